"""The write jobs of one tenant on PostgreSQL: in batches, each one transaction and one commit.

Invariants:
1. A job is acknowledged after the commit that has it, and only then.
2. A batch whose connection went before its COMMIT was sent is run again: nothing of it took effect.
3. A batch whose connection went while its COMMIT was under way MUST NOT be run again before it is
   known what became of it. Every batch writes its number into its writer's row (`batches`), in its
   own transaction. The next transaction first takes the tenant's lock, which the lost one holds
   until it has ended; then the row says whether it committed.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from sqlalchemy import Connection

from systemzero_base.telemetry.observed import set_current_call
from systemzero_core.errors import Unavailable
from systemzero_storage.jobs import metrics
from systemzero_storage.jobs.errors import is_lost, translated
from systemzero_storage.jobs.queue import Batch, Job, JobQueue
from systemzero_storage.jobs.spans import committed
from systemzero_storage.jobs.trouble import RecentErrors, note_outcome
from systemzero_storage.postgres.sessions import SYSTEM, Session, SessionFactory

T = TypeVar("T")

BATCHES_TABLE: Final = "batches"
RECONNECT_SECONDS: Final = 10.0
"""For so long a job is tried again on new connections before it fails."""
_PAUSE_SECONDS: Final = 0.05
_NUMBER: Final = f"SELECT number FROM {BATCHES_TABLE} WHERE writer = $1"  # noqa: S608 - a constant


async def reconnecting(attempt: Callable[[], Awaitable[T]]) -> T:
    """The result of `attempt`, made again while its connections are lost, within bounds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + RECONNECT_SECONDS
    while True:
        try:
            return await attempt()
        except Exception as error:
            if not is_lost(error) or loop.time() >= deadline:
                raise
        await asyncio.sleep(_PAUSE_SECONDS)


class Batches:
    """Queues one tenant's write jobs and commits them; each process has its own."""

    def __init__(self, sessions: SessionFactory, tenant: str, trouble: RecentErrors) -> None:
        self._sessions = sessions
        self._trouble = trouble
        self._tenant = tenant
        self._queue = JobQueue(self._settle)
        self._writer = secrets.token_hex(8)
        self._number = 0
        self._commits = metrics.COMMITS.labels(sessions.schema)
        self._jobs = metrics.JOBS.labels(sessions.schema)
        self._failures = metrics.FAILURES.labels(sessions.schema)

    def __len__(self) -> int:
        return len(self._queue)

    async def run(self, function: Callable[[Connection], T]) -> T:
        """See `Database.write`."""
        return await self._queue.run(function)

    async def finish(self) -> None:
        """Wait until every job is settled."""
        await self._queue.finish()

    async def _settle(self, batch: Batch) -> None:
        self._number += 1
        attempt = _Attempt(self._sessions, self._tenant, self._writer, self._number, batch)
        started = time.perf_counter()
        try:
            await reconnecting(attempt.make)
        except BaseException as error:  # noqa: BLE001 - reported to every caller concerned
            self._failures.inc()
            lost = attempt.unknown(error) or translated(error)
            for job in batch:
                job.error = job.error or lost
        note_outcome(batch, self._trouble)
        self._commits.observe(time.perf_counter() - started)
        self._jobs.inc(len(batch))


class _Attempt:
    """One batch on its way to be committed once, over as many connections as it takes."""

    def __init__(
        self, sessions: SessionFactory, tenant: str, writer: str, number: int, batch: Batch
    ) -> None:
        self._sessions = sessions
        self._tenant = tenant
        self._writer = writer
        self._number = number
        self._batch = batch
        self._sent = False  # whether a COMMIT was sent whose outcome is not known

    async def make(self) -> None:
        """Run the batch and commit it, unless an attempt before did."""
        async with self._sessions.writing(self._tenant) as session:
            if self._sent and await session.value(_NUMBER, self._writer) == self._number:
                await session.script("ROLLBACK")
                return
            self._sent = False
            await _run_jobs(session, self._batch)
            if all(job.error is not None for job in self._batch):
                await session.script("ROLLBACK")
                return
            self._sent, start = True, time.time_ns()
            await session.script(_mark(self._writer, self._number), "COMMIT")
            committed((job.call for job in self._batch), SYSTEM, start, len(self._batch))

    def unknown(self, error: BaseException) -> Unavailable | None:
        """What to tell of a batch that may or may not be committed; None if it is known not to."""
        if not (self._sent and is_lost(error)):
            return None
        unknown = Unavailable(
            "the database went away during a commit, which may or may not hold; "
            "repeat the request with the same request_id"
        )
        unknown.__cause__ = error
        return unknown


async def _run_jobs(session: Session, batch: Batch) -> None:
    """Run the jobs of a batch; one that fails is undone alone.

    First all in a row, since hardly ever one fails. Where one does, what they did is undone, and
    they run again, each behind a savepoint of its own, which costs a trip to the server each.
    """
    if len(batch) == 1:  # its failure is the transaction's
        await _run_job(session, batch[0])
        return
    await session.script("SAVEPOINT jobs")
    for job in batch:
        await _run_job(session, job)
        if job.error is not None:
            await session.script("ROLLBACK TO SAVEPOINT jobs")
            await _run_apart(session, batch)
            return


async def _run_apart(session: Session, batch: Batch) -> None:
    before = "SAVEPOINT job"
    for job in batch:
        await session.script(before)
        await _run_job(session, job)
        undone = job.error is not None
        before = "ROLLBACK TO SAVEPOINT job" if undone else "RELEASE SAVEPOINT job; SAVEPOINT job"
    if before.startswith("ROLLBACK"):
        await session.script(before)


async def _run_job(session: Session, job: Job[Any]) -> None:
    job.value, job.error = None, None
    set_current_call(job.call)
    try:
        job.value = await session.run(job.function)
    except Exception as error:
        if is_lost(error):
            raise
        job.error = translated(error)


def _mark(writer: str, number: int) -> str:
    row = f"('{writer}', {number})"
    return (
        f"INSERT INTO {BATCHES_TABLE} (writer, number) VALUES {row} "  # noqa: S608 - made up here
        "ON CONFLICT (writer) DO UPDATE SET number = excluded.number, time = now()"
    )
