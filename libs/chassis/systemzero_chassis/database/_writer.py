"""The one writer of a SQLite file: a thread that commits the jobs of many callers at once.

Invariants:
1. A job's future MUST NOT be resolved before the COMMIT that holds it returned.
2. A job that raises is rolled back to its own savepoint; the others of its batch stand.
3. If the transaction is lost (COMMIT fails, SQLite gives up on it), every job of it fails.
4. Jobs run in the order in which they were submitted.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from systemzero_chassis.database import _metrics
from systemzero_chassis.database._engine import SYSTEM, driver_of, transaction
from systemzero_chassis.database._jobs import Job
from systemzero_chassis.database._spans import committed
from systemzero_chassis.database.errors import translated
from systemzero_chassis.observed import set_current_call
from systemzero_core.errors import Unavailable

T = TypeVar("T")

_log = logging.getLogger(__name__)

_MAX_BATCH_JOBS: Final = 512
_MAX_BATCH_SECONDS: Final = 0.02  # what a first job waits for others at most, before its commit


class Writer:
    """Takes jobs from one or more event loops, runs and commits them in a thread of its own."""

    def __init__(self, engine: Engine, name: str) -> None:
        """Opens the connection at once, so that a bad file fails here; `name` is for metrics."""
        self._engine = engine
        self._connection = engine.connect()
        self._queue: SimpleQueue[Job[Any] | None] = SimpleQueue()
        self._lock = threading.Lock()  # nothing may be queued behind the end mark
        self._closing = False
        self._commits = _metrics.COMMITS.labels(name)
        self._jobs = _metrics.JOBS.labels(name)
        self._failures = _metrics.FAILURES.labels(name)
        # a daemon: an abandoned writer must not keep the process alive, and a kill costs nothing
        self._thread = threading.Thread(target=self._run, name="database-writer", daemon=True)
        self._thread.start()

    def submit(self, function: Callable[[Connection], T]) -> asyncio.Future[T]:
        """Queue a job; the future belongs to the running event loop.

        Raises:
            Unavailable: the writer is closing.
        """
        job = Job(function)
        with self._lock:
            if self._closing:
                raise Unavailable("the database is closed")
            self._queue.put(job)
        return job.future

    def waiting(self) -> int:
        """How many jobs wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Wait until every queued job is settled, then close the connection. Blocks."""
        with self._lock:
            if not self._closing:
                self._closing = True
                self._queue.put(None)
        self._thread.join()
        self._connection.close()

    def _run(self) -> None:
        while (first := self._queue.get()) is not None:
            batch: list[Job[Any]] = []
            started = time.perf_counter()
            try:
                self._run_batch(first, batch)
            except BaseException as error:  # noqa: BLE001 - reported to every caller concerned
                self._failures.inc()
                self._fail(batch, error)
            self._commits.observe(time.perf_counter() - started)
            self._jobs.inc(len(batch))
            _settle(batch)

    def _run_batch(self, first: Job[Any], batch: list[Job[Any]]) -> None:
        batch.append(first)
        if self._connection.closed:
            self._connection = self._engine.connect()
        with transaction(self._connection, "BEGIN IMMEDIATE"):
            driver = driver_of(self._connection)
            _run_job(first, self._connection, driver)
            for job in self._others():
                batch.append(job)
                _run_job(job, self._connection, driver)
            start = time.time_ns()
        committed((job.call for job in batch), SYSTEM, start, len(batch))

    def _others(self) -> Iterator[Job[Any]]:
        """The jobs that are queued by now, or come while earlier ones run, within the bounds."""
        deadline = time.monotonic() + _MAX_BATCH_SECONDS
        for _ in range(_MAX_BATCH_JOBS - 1):
            if time.monotonic() >= deadline:
                return
            try:
                job = self._queue.get_nowait()
            except Empty:
                return
            if job is None:
                self._queue.put(None)  # the end mark is for `_run`, after this batch
                return
            if not job.future.cancelled():
                yield job

    def _fail(self, batch: list[Job[Any]], error: BaseException) -> None:
        """Fail what could not be committed, and what queued up behind it meanwhile.

        The latter because each would wait as long for the same lock or disk, one by one.
        """
        self._discard()
        batch.extend(self._others())
        lost = translated(error)
        for job in batch:
            if job.error is None:
                job.error = lost

    def _discard(self) -> None:
        """Close the connection: after a failed commit or disk, its state is anyone's guess."""
        try:
            self._connection.invalidate()
            self._connection.close()
        except (SQLAlchemyError, sqlite3.Error):
            _log.exception("database.connection.close_failed")


def _run_job(job: Job[Any], connection: Connection, driver: sqlite3.Connection) -> None:
    set_current_call(job.call)
    driver.execute("SAVEPOINT job")
    try:
        job.value = job.function(connection)
    except Exception as error:  # noqa: BLE001 - it is the caller's, and raised there
        job.error = translated(error)
        driver.execute("ROLLBACK TO job")
    driver.execute("RELEASE job")


def _settle(batch: list[Job[Any]]) -> None:
    by_loop: defaultdict[asyncio.AbstractEventLoop, list[Job[Any]]] = defaultdict(list)
    for job in batch:
        by_loop[job.future.get_loop()].append(job)
    for loop, jobs in by_loop.items():
        try:
            loop.call_soon_threadsafe(_settle_all, jobs)
        except RuntimeError:
            continue  # that loop is closed: nobody waits any more


def _settle_all(jobs: list[Job[Any]]) -> None:
    for job in jobs:
        job.settle()
