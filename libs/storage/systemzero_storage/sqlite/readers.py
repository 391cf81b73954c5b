"""Read-only connections to a SQLite file: one for each of a few threads, and of the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from systemzero_base.telemetry.observed import CurrentCall, current_call
from systemzero_base.work.pool import Pool
from systemzero_core.errors import Unavailable
from systemzero_storage.jobs.errors import translated
from systemzero_storage.jobs.spans import StatementSpans
from systemzero_storage.jobs.trouble import RecentErrors
from systemzero_storage.sqlite.engines import SYSTEM, transaction

T = TypeVar("T")


class Readers:
    """Runs jobs on snapshots: in threads, as many at once as there are, or where they come from."""

    def __init__(self, engine: Engine, threads: int, trouble: RecentErrors) -> None:
        self._engine = engine
        self._trouble = trouble
        self._spans = StatementSpans(engine, SYSTEM)
        self.pool = Pool("database-reader", threads)
        self._local = threading.local()
        self._connections: list[Connection] = []
        self._closed = False

    async def run(self, job: Callable[[Connection], T]) -> T:
        """The result of `job`, done in a thread; see `Database.read`."""
        self._check_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, self._run, job, current_call())

    def run_here(self, job: Callable[[Connection], T]) -> T:
        """The result of `job`, done in the thread that asks."""
        self._check_open()
        return self._run(job, current_call())

    async def run_afresh(self, job: Callable[[Connection], T]) -> T:
        """As `run`, over a connection of its own, which knows nothing from before.

        One that is open for long answers from its memory where the file is damaged meanwhile.
        """

        def work() -> T:
            with self._engine.connect() as connection:
                return _on_snapshot(job, connection)

        self._check_open()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.pool, self._noted, work)

    def close(self) -> None:
        """Wait for the jobs under way, then close the connections. Blocks."""
        self._closed = True
        self.pool.shutdown(wait=True)
        while self._connections:
            self._connections.pop().close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the database is closed")

    def _run(self, job: Callable[[Connection], T], call: CurrentCall | None) -> T:
        self._spans.follow(call)
        return self._noted(lambda: _on_snapshot(job, self._connection()))

    def _noted(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except (DBAPIError, sqlite3.Error) as error:
            self._trouble.met(error)
            raise translated(error)  # noqa: B904 - it has its cause, or is the error itself

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._engine.connect()
            self._connections.append(connection)
        return connection


def _on_snapshot(job: Callable[[Connection], T], connection: Connection) -> T:
    with transaction(connection, "BEGIN"):
        return job(connection)
