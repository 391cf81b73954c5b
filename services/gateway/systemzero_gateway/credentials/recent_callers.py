"""Callers admitted within the last day: failed guesses of others do not hold them up.

Invariants:
1. It is known to all workers at once, to the next start, and to all gateways that share a store of
   limits. Where it can be kept nowhere, a worker's own memory is all.
2. It lets nobody in: who is familiar is looked up as everybody is.
3. It has a bounded size, in bytes; a credential is in it by a keyed digest of its SHA-256.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final, Protocol, runtime_checkable

import structlog

from systemzero_base.lru import Lru
from systemzero_gateway.limits.table import Table

SECONDS: Final = 86_400
"""For so long after a good call somebody is familiar."""
_AGAIN: Final = 3_600
"""A worker notes a credential once in so many seconds."""
_ROWS: Final = 1 << 13
"""Room for 65,536 names in 1.6 MB."""
_NOTED: Final = 20_000


@runtime_checkable
class Memory(Protocol):
    """What all gateways have in common; one that is away remembers nothing."""

    async def remember(self, name: str, seconds: int) -> None:
        """Know `name` for so long."""
        ...

    async def remembers(self, name: str) -> bool:
        """Whether `name` is known."""
        ...


class RecentCallers:
    """The credentials, by digest, and principals that were good within the day."""

    def __init__(
        self,
        pepper: bytes,
        table: Table | None,
        memory: Memory | None,
        clock: Callable[[], int],
    ) -> None:
        """`table` is this machine's, `memory` that of all gateways; `clock` gives microseconds."""
        self._pepper = pepper
        self._table = table
        self._memory = memory
        self._clock = clock
        self._noted: Lru[bytes, int] = Lru(_NOTED)

    def is_due(self, digest: bytes) -> bool:
        """Whether the use of a good credential is to be noted: each call asks."""
        return (self._noted.get(digest) or 0) <= self._clock()

    async def note(self, digest: bytes, principal_id: str, *, by_token: bool) -> None:
        """A credential was good; of tokens, which are many, their principal alone is remembered."""
        now = self._clock()
        self._noted.put(digest, now + _AGAIN * 1_000_000)
        for name in self._names(b"" if by_token else digest, principal_id):
            if self._table is not None:
                with self._table:
                    self._table.put(self._table.place(name), now / 1e6 + SECONDS)
            if self._memory is not None:
                await self._memory.remember(name, SECONDS)

    def forget(self, digest: bytes) -> None:
        """Remember a credential no longer on this machine: it is good no more."""
        self._noted.forget(digest)
        table = self._table
        if table is not None:
            with table:
                for place in map(table.place, self._names(digest, "")):
                    if table.get(place):
                        table.put(place, 0.0)

    def knows(self, digest: bytes, principal_id: str) -> bool:
        """Whether one of both was good within the day, on this machine."""
        table = self._table
        if table is None:
            return False
        now = self._clock() / 1e6
        with table:
            return any(table.get(table.place(n)) > now for n in self._names(digest, principal_id))

    async def knows_from_afar(self, digest: bytes, principal_id: str) -> bool:
        """Whether one of both was good within the day, at any gateway of the store."""
        if self._memory is None:
            return False
        for name in self._names(digest, principal_id):
            if await self._memory.remembers(name):
                return True
        return False

    def close(self) -> None:
        """Let go of the table, which is there no more: a call that is late is not remembered."""
        table, self._table = self._table, None
        if table is not None:
            table.close()

    def _names(self, digest: bytes, principal_id: str) -> list[str]:
        """What stands for them, where there are any."""
        said = digest, principal_id.encode(errors="replace")
        kinds = zip((b"credential", b"principal"), said, strict=True)
        key = self._pepper[:64]
        return [
            blake2b(each, digest_size=16, key=key, person=kind).hexdigest()
            for kind, each in kinds
            if each
        ]


def open_table(file: Path, logger: structlog.typing.FilteringBoundLogger) -> Table | None:
    """The table in `file`; None, which is told, where it can't be had: it is worth no outage."""
    try:
        return Table(file, _ROWS)
    except OSError as error:
        logger.warning("familiar.not_kept", file=str(file), error=error.strerror or str(error))
        return None
