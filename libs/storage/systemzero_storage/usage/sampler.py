"""Metrics of how full storage quotas are, without any tenant's name.

A tenant's name is no label: their number has no bound. The fullest of each quota is shown, which is
what an alert needs; whose it is, that tenant's `GetStatus` says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from prometheus_client import Gauge
from sqlalchemy import Connection, Row, func, select

from systemzero_base.work.background import Background, Loops
from systemzero_storage.database import Database
from systemzero_storage.usage.room import StorageQuota

LOOK_SECONDS: Final = 30.0
_LARGEST: Final = 100
"""Tenants of each quota that are looked at, beside those that have limits of their own."""

AnyRow = Row[*tuple[Any, ...]]

STORED: Final = Gauge(
    "systemzero_storage_used",
    "What all tenants together store, by service and quota.",
    ["service", "quota"],
    multiprocess_mode="livemax",
)
FULLEST: Final = Gauge(
    "systemzero_storage_fullest_ratio",
    "What the tenant that is nearest to its storage quota has used of it, by service and quota.",
    ["service", "quota"],
    multiprocess_mode="livemax",
)


class UsageSampler:
    """Sets the figures of one service."""

    def __init__(self, service: str, database: Database, room: StorageQuota) -> None:
        self._service = service
        self._database = database
        self._room = room
        columns = room.table.c
        self._totals = select(*(func.sum(columns[name]).label(name) for name in room.names))
        self._largest = [
            select(room.table).order_by(columns[name].desc()).limit(_LARGEST) for name in room.names
        ]

    def loop(self, loops: Loops) -> Background:
        """The loop that looks, not yet started."""
        return loops.new("usage", self.look, pause=LOOK_SECONDS, vital=False)

    async def look(self) -> None:
        """Read the counters and set the gauges.

        Raises:
            Unavailable, DataCorrupted: the database does not answer.
        """
        own = self._room.remembered()
        total, rows = await self._database.read(lambda c: self._read(c, own))
        for name in self._room.names:
            STORED.labels(self._service, name).set(getattr(total, name) or 0)
            ratios = (self._ratio(row, name) for row in rows)
            FULLEST.labels(self._service, name).set(max(ratios, default=0.0))

    def _read(self, connection: Connection, own: list[str]) -> tuple[AnyRow, list[AnyRow]]:
        return connection.execute(self._totals).one(), list(self._rows(connection, own))

    def _rows(self, connection: Connection, own: list[str]) -> Iterator[AnyRow]:
        for query in self._largest:
            yield from connection.execute(query)
        if own:
            table = self._room.table
            yield from connection.execute(select(table).where(table.c.tenant.in_(own)))

    def _ratio(self, row: AnyRow, name: str) -> float:
        limit = self._room.last_limits(row.tenant).get(name)
        return float(getattr(row, name) / limit) if limit else 0.0
