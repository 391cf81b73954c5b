"""Key-encryption keys: what wraps data keys, and is never in the database.

A wrapped key names its KEK by an id, so that several are accepted while one follows another.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Protocol

from systemzero_base.secrets import read_private
from systemzero_base.settings.config import ConfigError
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_storage.sealing.cipher import AESGCM, KEY_BYTES, InvalidTag, decrypt, encrypt

_ID_BYTES: Final = 8
_OTHERS: Final = 0o007  # the group may read: Kubernetes mounts secrets so
_PROBE: Final = b"systemzero key-encryption key probe"


class Kek(Protocol):
    """Wraps and unwraps data keys.

    Attributes:
        id: tells it from others; stands in the database, and says nothing of the key.
    """

    @property
    def id(self) -> str:
        """See above."""
        ...

    async def wrap(self, key: bytes, associated: bytes) -> bytes:
        """`key`, wrapped and bound to `associated`.

        Raises:
            Unavailable: the key server does not answer, or refuses.
        """
        ...

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """The key that was wrapped, bound to the same.

        Raises:
            Unavailable: the key server does not answer, or refuses.
            DataCorrupted: it was altered, or bound to something else.
        """
        ...


class FileKek:
    """A KEK of 32 random bytes, from a file."""

    def __init__(self, key: bytes) -> None:
        self._key = AESGCM(key)
        digest = hashlib.sha256(b"systemzero kek id\n" + key).hexdigest()
        self.id = f"file:{digest[: 2 * _ID_BYTES]}"

    async def wrap(self, key: bytes, associated: bytes) -> bytes:
        """See `Kek.wrap`."""
        return encrypt(self._key, key, associated)

    async def unwrap(self, wrapped: bytes, associated: bytes) -> bytes:
        """See `Kek.unwrap`."""
        try:
            return decrypt(self._key, wrapped, associated)
        except InvalidTag:
            raise DataCorrupted("a data key was altered, or is another's") from None


def load_kek(path: Path, field: str) -> FileKek:
    """The KEK in a file.

    Raises:
        ConfigError: names `field`, and what is wrong with the file.
    """
    try:
        key = read_private(path, _OTHERS)
    except PermissionError as error:
        raise ConfigError(f"configuration: {field}: {error}") from None
    except OSError as error:
        raise ConfigError(f"configuration: {field}: {path}: {error.strerror}") from None
    if len(key) != KEY_BYTES:
        raise ConfigError(
            f"configuration: {field}: {path} holds {len(key)} bytes, a key has {KEY_BYTES}: "
            "make one with `sz-admin make-kek`"
        )
    return FileKek(key)


class Keks:
    """The KEK that wraps, and those that are still accepted."""

    def __init__(self, current: Kek, old: Sequence[Kek] = ()) -> None:
        self.current = current
        self._accepted = {kek.id: kek for kek in (*old, current)}

    async def wrap(self, key: bytes, associated: bytes) -> tuple[str, bytes]:
        """`key`, wrapped by the current KEK, behind that one's id."""
        return self.current.id, await self.current.wrap(key, associated)

    async def unwrap(self, kek: str, wrapped: bytes, associated: bytes) -> bytes:
        """The key that the KEK of this id wrapped.

        Raises:
            FailedPrecondition: no such KEK is configured.
            Unavailable, DataCorrupted: as `Kek.unwrap`.
        """
        if kek not in self._accepted:
            configured = ", ".join(self._accepted)
            raise FailedPrecondition(
                f"a data key is wrapped by the key-encryption key {kek}; configured: {configured}"
            )
        return await self._accepted[kek].unwrap(wrapped, associated)

    async def probe(self) -> None:
        """Check that every KEK works.

        Raises:
            Unavailable, FailedPrecondition: one does not.
        """
        for kek in self._accepted.values():
            await kek.unwrap(await kek.wrap(_PROBE, b""), b"")
