"""Where keys, tenants and signing keys are kept."""

from systemzero_gateway.store.protocol import KeyRecord, KeyStore, SecretRecord
from systemzero_gateway.store.signing import SqlSigningKeyStore
from systemzero_gateway.store.sql import SqlKeyStore
from systemzero_gateway.store.tables import METADATA, SCHEMA, SCHEMA_VERSION

__all__ = [
    "METADATA",
    "SCHEMA",
    "SCHEMA_VERSION",
    "KeyRecord",
    "KeyStore",
    "SecretRecord",
    "SqlKeyStore",
    "SqlSigningKeyStore",
]
