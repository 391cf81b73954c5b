"""Ed25519 keys in PEM files that nobody else may read, and keys that are derived from secrets."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from systemzero_base.secrets import read_private, write_private
from systemzero_core.errors import FailedPrecondition


def derived(secret: bytes, purpose: bytes) -> bytes:
    """32 bytes for one purpose alone: HKDF-SHA256 of `secret` without a salt (RFC 5869)."""
    return HKDF(SHA256(), 32, salt=None, info=purpose).derive(secret)


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in the PEM file at `path`; made there (mode 0600) where there is none.

    Raises:
        FailedPrecondition: others may read the file, or it holds no such key.
    """
    try:
        return load_key(path)
    except FileNotFoundError:
        _create(path)
        return load_key(path)


def load_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in the PEM file at `path`.

    Raises:
        FileNotFoundError: there is no file.
        FailedPrecondition: others may read the file, or it holds no such key.
    """
    try:
        key = load_pem_private_key(read_private(path), password=None)
    except PermissionError as error:
        raise FailedPrecondition(str(error)) from error
    except ValueError as error:
        raise FailedPrecondition(f"the key file {path} holds no key in PEM form") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise FailedPrecondition(f"the key file {path} holds no Ed25519 key")
    return key


def _create(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with suppress(FileExistsError):  # another process was first
        write_private(path, pem)
