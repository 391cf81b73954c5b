"""What a service shows of itself besides its calls: looked at every second, or every ten.

Metrics that are looked at rather than counted (queues, pools, disks, how far the log is) are set
here, so that they are right whichever process is scraped: with several workers a scrape reads what
each of them noted last. The store is asked whether it answers, which readiness rests on.

Invariants:
1. No look waits for another: a database that hangs, and a look that fails, stop no figure but
   their own.
2. What can't be looked at keeps its last value; that it can't is a figure of its own
   (`systemzero_database_up`).
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import Gauge

from systemzero_chassis.background import Loops, apart, raise_all
from systemzero_chassis.database import Database
from systemzero_chassis.logstore import LogStore
from systemzero_chassis.pool import Pool
from systemzero_chassis.readiness import Condition
from systemzero_core.errors import DataCorrupted, DomainError, FailedPrecondition, Unavailable

LOOK_SECONDS: Final = 1.0
CENSUS_SECONDS: Final = 10.0
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
POOL_TASKS: Final = Gauge(
    "systemzero_pool_tasks",
    "Tasks that run in the pool of threads or wait for it.",
    ["pool"],
    multiprocess_mode="livesum",
)
POOL_THREADS: Final = Gauge(
    "systemzero_pool_threads",
    "Threads that a pool may have.",
    ["pool"],
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
LOGS: Final = Gauge(
    "systemzero_log_tenants", "Tenants that have a log.", ["log"], multiprocess_mode="livemax"
)
ENTRIES: Final = Gauge(
    "systemzero_log_entries", "Entries of all tenants' logs.", ["log"], multiprocess_mode="livemax"
)
UNSIGNED: Final = Gauge(
    "systemzero_log_unsigned_age_seconds",
    "Age of the oldest entry that no checkpoint covers; 0 while all are covered.",
    ["log"],
    multiprocess_mode="livemax",
)
DIVERGED: Final = Gauge(
    "systemzero_log_diverged",
    "Whether a log is refused: it does not extend its last checkpoint, or others wrote to it.",
    ["log"],
    multiprocess_mode="livemax",
)
UNCOSIGNED: Final = Gauge(
    "systemzero_log_uncosigned_age_seconds",
    "Age of the oldest checkpoint past what the witness cosigned; 0 while it cosigned the newest.",
    ["log", "witness"],
    multiprocess_mode="livemax",
)
REFUSED: Final = Gauge(
    "systemzero_log_witness_refused",
    "Whether the witness refuses a log as one that was cut or split.",
    ["log", "witness"],
    multiprocess_mode="livemax",
)

Look = Callable[[], None]
"""Sets gauges from what is at hand; called every second on the event loop."""


class Vitals:
    """Looks at one service from `start` to `stop`."""

    def __init__(
        self,
        service: str,
        data: Path,
        database: Database,
        logger: structlog.typing.FilteringBoundLogger,
        loops: Loops,
        *,
        log: tuple[str, LogStore] | None = None,
        pools: Sequence[Pool] = (),
        looks: Sequence[Look] = (),
    ) -> None:
        """`data` is the service's folder, `log` its log and what metrics call that."""
        self._service = service
        self._data = data
        self._database = database
        self._logger = logger
        self._log = log
        self._pools = tuple(pools)
        self._looks = (self._look, *looks)
        self._away = ""
        self._missed = 0
        self._loops = loops
        self._rounds = [
            loops.new("vitals", self._look_at_all, pause=LOOK_SECONDS, vital=False),
            loops.new("store", self._ask, pause=LOOK_SECONDS),
        ]
        if log is not None:
            self._rounds.append(loops.new("census", self._count, pause=CENSUS_SECONDS, vital=False))

    @property
    def conditions(self) -> dict[str, Condition]:
        """What this service's readiness rests on, by names that start with the service's."""
        conditions: dict[str, Condition] = {
            f"{self._service}.store": lambda: self._away,
            f"{self._service}.loops": self._loops.failing,
        }
        if self._log is not None:
            store = self._log[1]
            conditions[f"{self._service}.log"] = lambda: store.diverged
        return conditions

    def start(self) -> None:
        """Begin to look."""
        for each in self._rounds:
            each.start()

    async def stop(self) -> None:
        """Look no more; before the database is closed."""
        for each in self._rounds:
            await each.stop()

    async def _look_at_all(self) -> None:
        errors: list[Exception] = []
        for look in self._looks:
            with apart(errors):
                look()
        raise_all(errors)

    def _look(self) -> None:
        name, load = self._database.name, self._database.load()
        JOBS_WAITING.labels(name).set(load.jobs_waiting)
        CONNECTIONS_IN_USE.labels(name).set(load.connections_in_use)
        CONNECTIONS.labels(name).set(load.connections)
        for pool in self._pools:
            POOL_TASKS.labels(pool.name).set(pool.tasks)
            POOL_THREADS.labels(pool.name).set(pool.threads)
        if self._log is not None:
            _look_at_log(*self._log)
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

    async def _count(self) -> None:
        assert self._log is not None  # noqa: S101 - see `__init__`
        name, store = self._log
        try:
            found = await store.census()
        except DomainError:
            return  # the database is away: `_ask` tells
        LOGS.labels(name).set(found.logs)
        ENTRIES.labels(name).set(found.entries)
        UNSIGNED.labels(name).set(_age(found.unsigned_since))
        for cosigner in store.cosigners:
            since = found.uncosigned_since[str(cosigner.key)]
            UNCOSIGNED.labels(name, cosigner.key.name).set(_age(since))


def _look_at_disk(service: str, data: Path) -> None:
    disk = shutil.disk_usage(data)
    FREE.labels(service).set(disk.free)
    SIZE.labels(service).set(disk.total)
    USED.labels(service).set(sum(e.stat().st_size for e in data.iterdir() if e.is_file()))


def _look_at_log(name: str, store: LogStore) -> None:
    DIVERGED.labels(name).set(bool(store.diverged))
    for cosigner in store.cosigners:
        REFUSED.labels(name, cosigner.key.name).set(bool(cosigner.refused))


def _age(since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())
