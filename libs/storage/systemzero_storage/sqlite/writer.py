"""The one writer of a SQLite file: it commits the jobs of many callers at once.

The jobs' statements run on the event loop, and COMMIT alone, which waits for the disk, in a thread.
The other way round every statement has its thread give the interpreter up and wait to get it back
from a busy event loop: many times a job, and with the write lock held.

Invariants:
1. A job's future MUST NOT be resolved before the COMMIT that holds it returned.
2. A job that raises is rolled back alone; the others of its batch stand.
3. If the transaction is lost (COMMIT fails, SQLite gives up on it), every job of it fails.
4. Jobs run in the order in which they were submitted.
5. A job waits for other processes `BUSY_TIMEOUT` at most, whatever for, from its submission on.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Transaction
from sqlalchemy.exc import SQLAlchemyError

from systemzero_base.work.pool import Pool
from systemzero_core.errors import Unavailable
from systemzero_storage.jobs import metrics
from systemzero_storage.jobs.errors import primary_code, translated
from systemzero_storage.jobs.patience import Deadline, Waits, locked
from systemzero_storage.jobs.queue import Batch, Job, JobQueue
from systemzero_storage.jobs.spans import StatementSpans, committed
from systemzero_storage.jobs.trouble import RecentErrors, note_outcome
from systemzero_storage.sqlite import engines
from systemzero_storage.sqlite.engines import SYSTEM, driver_of
from systemzero_storage.sqlite.write_lock import WriteLock

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Writer:
    """Takes jobs, runs them, and commits them together."""

    def __init__(
        self, engine: Engine, path: Path, trouble: RecentErrors, waits: Waits | None = None
    ) -> None:
        """Opens the connection at once, so that a bad file fails here."""
        self._engine = engine
        self._trouble = trouble
        self._waits = waits or Waits()
        self._spans = StatementSpans(engine, SYSTEM)
        self._connection = self._connect()
        self._opening: asyncio.Future[Connection] | None = None
        self._queue = JobQueue(self._settle, self._waits.now)
        self._thread = Pool("database-writer", 1)
        self._turns = WriteLock(path)
        name = path.stem
        self._closing = False
        self._commits = metrics.COMMITS.labels(name)
        self._jobs = metrics.JOBS.labels(name)
        self._failures = metrics.FAILURES.labels(name)

    async def run(self, function: Callable[[Connection], T]) -> T:
        """See `Database.write`.

        Raises:
            Unavailable: the writer is closing.
        """
        if self._closing:
            raise Unavailable("the database is closed")
        return await self._queue.run(function)

    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._queue)

    async def close(self) -> None:
        """Wait until every job is settled, then close the connection."""
        self._closing = True
        await self._queue.finish()
        if self._opening is not None:
            with suppress(SQLAlchemyError, sqlite3.Error):
                (await self._opening).close()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._thread.shutdown()
        self._connection.close()
        self._turns.close()

    async def _settle(self, batch: Batch) -> None:
        started = time.perf_counter()
        try:
            await self._write(batch)
        except BaseException as error:  # noqa: BLE001 - reported to every caller concerned
            self._failures.inc()
            lost = translated(error)
            for job in batch:
                job.error = job.error or lost
        finally:
            self._turns.give()
        note_outcome(batch, self._trouble)
        self._commits.observe(time.perf_counter() - started)
        self._jobs.inc(len(batch))

    async def _write(self, batch: Batch) -> None:
        try:
            await self._run(batch, await self._begun(batch))
        except Unavailable:  # the write lock was not to be had: there is nothing to give up
            raise
        except BaseException:
            await self._in_thread(self._discard)
            raise

    async def _begun(self, batch: Batch) -> Connection:
        """The connection, with the write lock.

        Raises:
            Unavailable: it was not to be had in the time of the first job; the jobs of the batch
                that have time left wait on.
        """
        patience = Deadline(batch[0].since + engines.BUSY_TIMEOUT, self._waits)
        try:
            await self._turns.take(patience)
            connection = await self._opened(patience)
            driver = driver_of(connection)
            # from a process that writes without waiting for its turn, if need be
            while not _begins(driver):
                if patience.is_over():
                    raise locked()
                await patience.pause()
        except Unavailable:
            self._keep_due(batch)
            raise
        return connection

    def _keep_due(self, batch: Batch) -> None:
        """Leave in `batch` only the jobs that have waited for as long as they may, one at least."""
        due = self._waits.now() - engines.BUSY_TIMEOUT
        waiting = [job for job in batch[1:] if job.since > due]
        batch[:] = [job for job in batch if job not in waiting]
        self._queue.give_back(waiting)

    async def _opened(self, patience: Deadline) -> Connection:
        """The connection, opened again where it was discarded.

        Raises:
            Unavailable: that takes too long.
        """
        if self._connection.closed:
            if self._opening is None:
                self._opening = asyncio.ensure_future(self._in_thread(self._connect))
            opening = self._opening
            await patience.wait(opening)
            if not opening.done():
                raise locked()
            self._opening = None
            self._connection = opening.result()
        return self._connection

    async def _run(self, batch: Batch, connection: Connection) -> None:
        self._queue.fill(batch)  # with what came while another process wrote
        transaction = connection.begin()
        _run_jobs(batch, connection, self._spans)
        if all(job.error is not None for job in batch):
            transaction.rollback()
            return
        start = time.time_ns()
        await self._in_thread(lambda: self._commit(transaction))
        committed((job.call for job in batch), SYSTEM, start, len(batch))

    def _commit(self, transaction: Transaction) -> None:
        transaction.commit()
        self._turns.give()  # at once: the event loop may be busy

    def _connect(self) -> Connection:
        connection = self._engine.connect()
        # up to here `BUSY_TIMEOUT` holds; from now on, waiting is done on the event loop
        driver_of(connection).execute("PRAGMA busy_timeout=0").close()
        return connection

    def _discard(self) -> None:
        """Close the connection: after a failed commit or disk, its state is anyone's guess."""
        if self._connection.closed:
            return
        try:
            self._connection.invalidate()
            self._connection.close()
        except (SQLAlchemyError, sqlite3.Error):
            _log.exception("database.connection.close_failed")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _begins(driver: sqlite3.Connection) -> bool:
    """Whether the write lock was there to be taken."""
    try:
        driver.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if primary_code(error) != sqlite3.SQLITE_BUSY:
            raise
        return False
    return True


def _run_jobs(batch: Batch, connection: Connection, spans: StatementSpans) -> None:
    """Run the jobs of a batch; one that fails is undone alone.

    First all in a row, since hardly ever one fails. Where one does, what they did is undone, and
    they run again, each behind a savepoint of its own.
    """
    if len(batch) == 1:  # its failure is the transaction's
        _run_job(batch[0], connection, spans)
        return
    driver = driver_of(connection)
    driver.execute("SAVEPOINT jobs")
    for job in batch:
        _run_job(job, connection, spans)
        if job.error is not None:
            driver.execute("ROLLBACK TO jobs")
            _run_apart(batch, connection, spans)
            return


def _run_apart(batch: Batch, connection: Connection, spans: StatementSpans) -> None:
    driver = driver_of(connection)
    for job in batch:
        driver.execute("SAVEPOINT job")
        _run_job(job, connection, spans)
        if job.error is not None:
            driver.execute("ROLLBACK TO job")
        driver.execute("RELEASE job")


def _run_job(job: Job[Any], connection: Connection, spans: StatementSpans) -> None:
    job.value, job.error = None, None
    spans.follow(job.call)
    try:
        job.value = job.function(connection)
    except Exception as error:  # noqa: BLE001 - it is the caller's, and raised there
        job.error = translated(error)
