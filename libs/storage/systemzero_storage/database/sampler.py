"""What a service shows of its database and its disk: looked at every second.

Invariant: what can't be looked at keeps its last value; that it can't is a figure of its own
(`systemzero_database_up`).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import Gauge

from systemzero_base.work.background import Loops
from systemzero_core.errors import DataCorrupted, FailedPrecondition, Unavailable
from systemzero_storage.protocol import Database

LOOK_SECONDS: Final = 1.0
ANSWER_SECONDS: Final = 5.0
"""What a store may take to answer whether it is there."""
LEAST_FREE: Final = 32 * 2**20
"""Bytes that have to be free beside a SQLite file: its log of writes grows by up to so many at a
busy moment, and a disk that runs full in the middle fails calls that were taken."""
FAILURES: Final = 3
"""So many answers in a row have to be missing before a store counts as away."""

UP: Final = Gauge(
    "systemzero_database_up",
    "Whether the database answered when it was asked last, with the schema that is needed.",
    ["database"],
    multiprocess_mode="livemin",
)
JOBS_WAITING: Final = Gauge(
    "systemzero_database_jobs_waiting",
    "Write jobs that wait for a transaction.",
    ["database"],
    multiprocess_mode="livesum",
)
CONNECTIONS_IN_USE: Final = Gauge(
    "systemzero_database_connections_in_use",
    "Connections in use or waited for; on SQLite those that read.",
    ["database"],
    multiprocess_mode="livesum",
)
CONNECTIONS: Final = Gauge(
    "systemzero_database_connections",
    "Connections that there may be; on SQLite those that read.",
    ["database"],
    multiprocess_mode="livesum",
)
FREE: Final = Gauge(
    "systemzero_data_free_bytes",
    "Bytes that are free on the disk of the service's data folder.",
    ["service"],
    multiprocess_mode="livemin",
)
SIZE: Final = Gauge(
    "systemzero_data_size_bytes",
    "Size of the disk of the service's data folder.",
    ["service"],
    multiprocess_mode="livemax",
)
USED: Final = Gauge(
    "systemzero_data_used_bytes",
    "Bytes of the files directly in the service's data folder: on SQLite, its database.",
    ["service"],
    multiprocess_mode="livemax",
)


class StoreSampler:
    """What is looked at of a database and of the data folder beside it."""

    def __init__(
        self,
        service: str,
        data: Path,
        database: Database,
        logger: structlog.typing.FilteringBoundLogger,
        loops: Loops,
    ) -> None:
        """`data` is the service's folder."""
        self._service = service
        self._data = data
        self._database = database
        self._logger = logger
        self._away = ""
        self._missed = 0
        self.rounds = (loops.new("store", self._ask, pause=LOOK_SECONDS),)
        self.conditions: dict[str, Callable[[], str]] = {f"{service}.store": lambda: self._away}

    def look(self) -> None:
        """Set the gauges of what is at hand."""
        name, load = self._database.name, self._database.load()
        JOBS_WAITING.labels(name).set(load.jobs_waiting)
        CONNECTIONS_IN_USE.labels(name).set(load.connections_in_use)
        CONNECTIONS.labels(name).set(load.connections)
        with suppress(FileNotFoundError):  # a log of writes went away meanwhile
            _look_at_disk(self._service, self._data)

    async def _ask(self) -> None:
        why = ""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._database.check()
        except (Unavailable, FailedPrecondition, DataCorrupted) as error:
            why = error.message
        except TimeoutError:
            why = f"the database does not answer within {ANSWER_SECONDS:.0f} seconds"
        why = why or self._without_room()
        UP.labels(self._database.name).set(not why)
        self._missed = self._missed + 1 if why else 0
        if not why or self._missed >= FAILURES:
            self._conclude(why)

    def _without_room(self) -> str:
        """Why the next write would fail for want of room; empty where it would not."""
        free = shutil.disk_usage(self._data).free if self._database.is_file else LEAST_FREE
        return "" if free >= LEAST_FREE else f"the disk of {self._data} has {free:,} bytes free"

    def _conclude(self, why: str) -> None:
        if bool(why) is not bool(self._away):
            self._logger.warning("store.away" if why else "store.back", why=why)
        self._away = why


def _look_at_disk(service: str, data: Path) -> None:
    disk = shutil.disk_usage(data)
    FREE.labels(service).set(disk.free)
    SIZE.labels(service).set(disk.total)
    USED.labels(service).set(sum(e.stat().st_size for e in data.iterdir() if e.is_file()))
