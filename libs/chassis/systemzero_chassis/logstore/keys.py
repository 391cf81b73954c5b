"""The log's signing key, in a file of its own."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from systemzero_core.errors import FailedPrecondition

_OTHERS: Final = 0o077


def load_or_create_key(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in the PEM file at `path`; made there (mode 0600) where there is none.

    Raises:
        FailedPrecondition: others may read the file, or it holds no such key.
    """
    try:
        return _load(path)
    except FileNotFoundError:
        _create(path)
        return _load(path)


def _load(path: Path) -> Ed25519PrivateKey:
    if path.stat().st_mode & _OTHERS:
        raise FailedPrecondition(f"the key file {path} is open to others: chmod 600 it")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise FailedPrecondition(f"the key file {path} holds no key in PEM form") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise FailedPrecondition(f"the key file {path} holds no Ed25519 key")
    return key


def _create(path: Path) -> None:
    """Write a new key whole, or leave another's in place: never half a file under this name."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, pem)
        os.fsync(descriptor)
        path.hardlink_to(temporary)
    except FileExistsError:
        return  # another process was first
    finally:
        os.close(descriptor)
        temporary.unlink()
