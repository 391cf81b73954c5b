"""Write jobs that wait, together, for the commit that has them."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, Protocol, TypeVar, cast, runtime_checkable

from sqlalchemy import Connection

from systemzero_base.telemetry.observed import CurrentCall, current_call

T = TypeVar("T")

MAX_BATCH_JOBS: Final = 64
"""With more subtransactions PostgreSQL gets slower; so many hold a loop up for some ms as it is."""


@runtime_checkable
class Noting(Protocol):
    """A job's function that wants to know when it is committed."""

    def committed(self) -> None:
        """It is; called once, whether its caller still waits or not."""
        ...


class Job(Generic[T]):
    """What is to be done in a transaction, since when, the call that it is for, how it ended."""

    __slots__ = ("call", "error", "function", "future", "since", "value")

    def __init__(self, function: Callable[[Connection], T], since: float) -> None:
        """Its future belongs to the running event loop."""
        self.function = function
        self.since = since
        self.future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.call: CurrentCall | None = current_call()
        self.value: T | None = None
        self.error: BaseException | None = None

    def settle(self) -> None:
        """Tell the function that it is committed, and its caller, unless that one went away."""
        if self.error is None and isinstance(self.function, Noting):
            self.function.committed()
        if self.future.done():
            return
        if self.error is None:
            self.future.set_result(cast("T", self.value))
        else:
            self.future.set_exception(self.error)


Batch = list[Job[Any]]


class JobQueue:
    """Hands jobs on in the order in which they came: all that wait, while the last were committed.

    For one event loop at a time.
    """

    def __init__(
        self,
        commit: Callable[[Batch], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`commit` gives every job of a batch its value or its error, and raises nothing.

        `clock` says since when a job waits.
        """
        self._commit = commit
        self._clock = clock
        self._jobs: deque[Job[Any]] = deque()
        self._task: asyncio.Task[None] | None = None

    def __len__(self) -> int:
        return len(self._jobs)

    async def run(self, function: Callable[[Connection], T]) -> T:
        """See `Database.write`."""
        job = Job(function, self._clock())
        self._jobs.append(job)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())
        return await job.future

    def fill(self, batch: Batch) -> None:
        """Put into `batch`, as far as there is room, jobs that came since it was handed on."""
        while self._jobs and len(batch) < MAX_BATCH_JOBS:
            job = self._jobs.popleft()
            if not job.future.cancelled():
                batch.append(job)

    def give_back(self, jobs: Batch) -> None:
        """Put jobs of the batch that was handed on before all that wait: their time is to come."""
        self._jobs.extendleft(reversed(jobs))

    async def finish(self) -> None:
        """Wait until every job is settled."""
        while self._task is not None:
            await self._task

    async def _drain(self) -> None:
        try:
            while batch := self._next():
                try:
                    await self._commit(batch)
                finally:
                    for job in batch:
                        job.settle()
        finally:
            self._task = None

    def _next(self) -> Batch:
        batch: Batch = []
        self.fill(batch)
        return batch
