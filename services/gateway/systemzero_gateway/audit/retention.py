"""Old refusals leave the audit log: what their entries say is erased, the entries stay.

The log is append-only, so that an entry's hashes stay for good, with its kind and time; its body
goes, and a record of the erasure says of which entries (see `systemzero_evidence.log`). Acts of
principals never leave.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import Entry, format_time
from systemzero_evidence.log import LogStore, LogTables, aged
from systemzero_gateway.audit.act import Decided
from systemzero_storage.database import Database, TenantConnection

KIND: Final = f"call.{Decided.DENIED}"
_BATCH: Final = 1_000


class RefusalRetention:
    """Erases what entries of refusals say once they are `days` old."""

    def __init__(
        self,
        database: Database,
        store: LogStore,
        tables: LogTables,
        days: int,
        clock: Callable[[], int],
    ) -> None:
        """0 days are for good; `clock` gives microseconds since 1970."""
        self._database = database
        self._store = store
        self._tables = tables
        self._days = days
        self._clock = clock
        self._next: dict[str, int] = {}

    async def collect(self) -> None:
        """A round over all tenants; for a chore. A log that is damaged stands in no other's way.

        Raises:
            DomainError: the database does not answer, or a log is damaged.
        """
        damaged: list[DataCorrupted] = []
        for tenant in await self._store.tenants() if self._days else ():
            try:
                while await self._collect_some(tenant):
                    pass
            except DataCorrupted as error:
                damaged.append(error)
        for first in damaged:
            raise first

    async def _collect_some(self, tenant: str) -> bool:
        """Whether there may be more."""
        now = datetime.fromtimestamp(self._clock() / 1e6, UTC)
        before, start = now - timedelta(days=self._days), self._next.get(tenant, 0)

        def meant(entry: Entry) -> bool:
            return entry.kind == KIND and entry.create_time < format_time(before)

        def job(own: TenantConnection) -> int:
            indexes, after = aged(own, self._tables, KIND, before, start, _BATCH)
            if indexes:
                self._store.erase(own, indexes, now, meant)
            return after

        after = await self._database.of(tenant).write(job)
        self._next[tenant] = after
        return after - start == _BATCH
