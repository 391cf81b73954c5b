"""A tenant's first admin key: where its secret is, and what a gateway needs of it.

Alone, a gateway makes the secret itself and leaves it in its data folder. Where keys are made
beforehand (`sz-admin keys`), the secret stands apart, and the gateway's folder has its digest:
whoever reads a pod's files then finds no key.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from systemzero_base.secrets import read_private, write_private
from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.credentials import apikey

_DIGEST_BYTES = 32


def prepare(tenant: str, file: Path, apart: Path, pepper: bytes) -> None:
    """Put the digest of a first key where a gateway looks for it, and the secret into `apart`.

    `file` is where a gateway that is alone has the secret. What is there already stays.

    Raises:
        FailedPrecondition: a file that is there can't be used.
    """
    if file.exists() or _digest_file(file).exists():
        return
    _make(tenant, apart)
    digest = apikey.digest(pepper, _secret(apart))
    write_private(_digest_file(file), f"{digest.hex()}\n".encode())


def is_prepared(file: Path) -> bool:
    """Whether the digest is there, and was not made from the secret in `file`."""
    return _digest_file(file).exists()


def digest_of_first(tenant: str, file: Path, pepper: bytes) -> bytes:
    """What a store is to know of the tenant's first key, which is made if it is nowhere.

    The secret is in `file` (mode 0600) before anybody knows its digest, so that a crash in between
    locks nobody out: the next start takes the secret that the file has.

    Raises:
        FailedPrecondition: the file is there, open to others, or holds something else.
    """
    if is_prepared(file):
        return _prepared(_digest_file(file))
    _make(tenant, file)
    return apikey.digest(pepper, _secret(file))


def _make(tenant: str, file: Path) -> None:
    if file.exists():  # looked at first: the folder may be read-only
        return
    with suppress(FileExistsError):  # another process was first
        write_private(file, f"{apikey.new_secret(apikey.kind_of(tenant))}\n".encode())


def _secret(file: Path) -> str:
    secret = _read(file)
    if not apikey.is_well_formed(secret):
        raise FailedPrecondition(f"{file}: holds no API key; move the file away")
    return secret


def _prepared(file: Path) -> bytes:
    with suppress(ValueError):
        digest = bytes.fromhex(_read(file))
        if len(digest) == _DIGEST_BYTES:
            return digest
    raise FailedPrecondition(f"{file}: holds no digest of an API key; make it by `sz-admin keys`")


def _read(file: Path) -> str:
    try:
        return read_private(file).decode("ascii", "replace").strip()
    except PermissionError as error:
        raise FailedPrecondition(str(error)) from None


def _digest_file(file: Path) -> Path:
    return file.with_suffix(".digest")
