"""Which services trust which: identity keys on disk, in split mode.

Each service has an identity key of its own in its data folder (`identity.key`, 0600) and publishes
the public half as `<name>.pub` in a folder that all of them read. Who may write there decides who
is trusted: in production it is a read-only mount that the operator fills.

Invariants:
1. Only issuers named in the configuration are trusted, whatever else lies in the folder.
2. A file is read when its issuer is first asked for, and again when it changed, so that the order
   in which services start does not matter.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_public_key,
)

from systemzero_base.internal.identity import IdentitySigner, IdentityVerifier
from systemzero_base.keyfile import load_or_create_key
from systemzero_base.secrets import private_folder

_MAX_PEM_BYTES = 4_096


def service_signer(name: str, data: Path, trust: Path) -> IdentitySigner:
    """The signer of service `name`, by the key in `data`; its public half is put into `trust`.

    Raises:
        FailedPrecondition: the key file is open to others, or holds no such key.
        OSError: a folder can't be written.
    """
    key = load_or_create_key(data / "identity.key")
    publish(trust, name, key.public_key())
    return IdentitySigner(name, key, time.time)


def service_verifier(name: str, issuers: Iterable[str], trust: Path) -> IdentityVerifier:
    """The verifier of service `name`, which trusts `issuers` by their keys in `trust`."""
    return IdentityVerifier(name, TrustFolder(trust, issuers), time.time)


def publish(trust: Path, name: str, key: Ed25519PublicKey) -> None:
    """Put the public key of `name` into the folder, whole or not at all.

    A file that says so already is left alone: the folder may be read-only.
    """
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    path = trust / f"{name}.pub"
    if path.exists() and path.read_bytes() == pem:
        return
    private_folder(trust.parent)
    trust.mkdir(exist_ok=True)  # for all to read: what is in it is public
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_bytes(pem)
    temporary.replace(path)


class TrustFolder(Mapping[str, Ed25519PublicKey]):
    """The public keys of the trusted issuers, by name, as the folder has them now."""

    def __init__(self, folder: Path, issuers: Iterable[str]) -> None:
        self._paths = {name: folder / f"{name}.pub" for name in issuers}
        self._read: dict[str, tuple[tuple[int, int, int], Ed25519PublicKey]] = {}

    def __getitem__(self, issuer: str) -> Ed25519PublicKey:
        """The key.

        Raises:
            KeyError: the issuer is not trusted, or there is no key of it (yet).
        """
        path = self._paths[issuer]
        try:
            status = path.stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
            if issuer not in self._read or self._read[issuer][0] != seen:
                self._read[issuer] = (seen, _load(path))
        except (OSError, ValueError):
            raise KeyError(issuer) from None
        return self._read[issuer][1]

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def _load(path: Path) -> Ed25519PublicKey:
    with path.open("rb") as file:
        key = load_pem_public_key(file.read(_MAX_PEM_BYTES))
    if not isinstance(key, Ed25519PublicKey):
        raise ValueError(f"{path}: not an Ed25519 key")  # noqa: TRY004 - a bad file, no bad call
    return key
