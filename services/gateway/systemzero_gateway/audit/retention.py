"""Old refusals leave the audit log: what their entries say is erased, the entries stay.

The log is append-only, so that an entry's hashes stay for good, with its kind and time; its body
goes, and a record of the erasure says of which entries (see `systemzero_evidence.log`). Acts of
principals never leave.

A clock that leapt ahead makes every refusal old: by it nothing is erased, see `clock.Trust`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from systemzero_base.clock import LEAPT, Trust
from systemzero_base.telemetry.logs import get_logger
from systemzero_core.errors import DataCorrupted
from systemzero_core.tlog import Entry, format_time
from systemzero_evidence.log import LogStore, LogTables, aged, last_time
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
        self._trust = Trust(clock)
        self._begun = self._doubted = False

    async def round(self) -> None:
        """A round, if the clock may be believed; for a chore.

        Raises:
            DomainError: see `collect`.
        """
        if self._days and not self._begun:
            self._trust.begin(await self._newest())
            self._begun = True
        doubted, self._doubted = self._doubted, not self._trust.look()
        if not self._doubted:
            await self.collect()
        elif self._days and not doubted:
            get_logger("gateway").warning("audit.not_erased", reason=LEAPT)

    async def _newest(self) -> int | None:
        """When the last entry of any tenant was made, in microseconds."""
        found = []
        for tenant in await self._store.tenants():
            time = await self._database.of(tenant).read(lambda own: last_time(own, self._tables))
            found += [] if time is None else [round(time.timestamp() * 1e6)]
        return max(found, default=None)

    async def collect(self) -> None:
        """A round over all tenants. A log that is damaged stands in no other's way.

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
