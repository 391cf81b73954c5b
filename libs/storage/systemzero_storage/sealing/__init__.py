"""Encryption at rest: bodies sealed with data keys, by tenant, that a key-encryption key wraps.

A data key is made when its tenant's first body is sealed, and stands, wrapped, in the database
beside them; the key-encryption key (KEK) is in a file, or never leaves a key server. What is
promised is said in docs/design/encryption.md.
"""

from systemzero_storage.sealing.database import SealedDatabase, open_sealed, with_keys
from systemzero_storage.sealing.kek import Kek, Keks
from systemzero_storage.sealing.keyring import Keyring
from systemzero_storage.sealing.settings import EncryptionSettings, check_encryption, load_keks
from systemzero_storage.sealing.tables import data_keys_table

__all__ = [
    "EncryptionSettings",
    "Kek",
    "Keks",
    "Keyring",
    "SealedDatabase",
    "check_encryption",
    "data_keys_table",
    "load_keks",
    "open_sealed",
    "with_keys",
]
