"""The lanes of one process: large work of all tenants, in processes that can be ended.

Invariants, beside those of `scheduler`, which says what has which lane:
1. Work whose caller is gone leaves the queue; under way, it is ended with its process.
2. `stop` ends all work at once, whatever it does.
3. While no lane can be started, the process takes no calls.
"""

from __future__ import annotations

import asyncio
import pickle  # nosec B403 - to own processes alone
import signal
from typing import Any, Final, NamedTuple

import msgspec

from systemzero_base.lanes import metrics, wire
from systemzero_base.lanes.process import Answer, Lane
from systemzero_base.lanes.scheduler import Scheduler, Start, Turn
from systemzero_base.lanes.settings import OWN_BYTES, LaneSettings
from systemzero_base.lanes.wire import Kind, LaneError
from systemzero_base.lanes.worker import OUT_OF_MEMORY, Function, Limits, WorkContext
from systemzero_base.telemetry.observed import ChildSpan
from systemzero_base.telemetry.stages import SMALL_BYTES
from systemzero_base.work.background import Loops
from systemzero_core.errors import TooLarge, Unavailable

MEMORY_FACTOR: Final = 32
"""Bytes of memory that work may need for each byte of own tree JSON, as an estimate."""
HERE: Final = WorkContext(None)
"""What small work has that is done at once."""


class Done(NamedTuple):
    """The result of work, and seconds by the names of its stages."""

    result: bytes
    stages: tuple[tuple[str, float], ...]


_Task = asyncio.Task[tuple[Kind, bytes]]


class Lanes:
    """Does large work for the services of one process, from `start` to `stop`."""

    def __init__(
        self,
        settings: LaneSettings,
        loops: Loops,
        modules: tuple[str, ...] = (),
        *,
        processes: int = 1,
        start: Start = Lane.start,
    ) -> None:
        """`modules` are imported by every lane; `processes` is how many there are like this one."""
        self._settings = settings
        limits = Limits(settings.cpu_seconds, settings.memory_bytes, modules)
        self._scheduler = Scheduler(settings, limits, processes, start)
        self._under_way: set[_Task] = set()
        self._stopped = False
        self._tending = loops.new("lanes", self._scheduler.tend)

    def start(self) -> None:
        """Take work; a lane is started when there is work for it."""
        self._tending.start()

    async def stop(self) -> None:
        """End all work. What waits, or is under way, ends with `Unavailable`."""
        self._stopped = True
        await self._tending.stop()
        self._scheduler.fail_waiting(_stopping())
        self._scheduler.kill()
        if self._under_way:
            metrics.KILLED.labels("stop").inc(len(self._under_way))
            await asyncio.wait(list(self._under_way))
        await self._scheduler.end()

    async def run(
        self,
        tenant: str,
        function: Function,
        *arguments: Any,
        memory: int = 0,
        answer: Answer | None = None,
    ) -> Done:
        """Have `function` done with `arguments`, for `tenant`, in a lane.

        `function` is a module's; it is given a `WorkContext` and what `arguments` are after
        pickling. `memory` is what it may need, in bytes, as an estimate: where that is too little,
        it is done anew with all that work may need. `answer` answers its questions.

        Raises:
            DomainError: as `function` or `answer` raised it.
            TooManyInFlight: too much of the tenant waits.
            TooLarge: it took more processor time or memory than work may.
            Unavailable: the lane ended, there is none, the service is stopping, or the work came to
                no end in the time that work may be under way.
            LaneFault: `function` raised what is no error of the domain's.
        """
        request = _packed(function, arguments)
        below, error = ChildSpan("lane", "INTERNAL"), ""
        try:
            return await self._tried(tenant, memory, request, answer or _no_answer)
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            below.end({"systemzero.work": function.__name__}, error)

    async def do(
        self, tenant: str, size: int, function: Function, *arguments: Any, memory: int = 0
    ) -> bytes:
        """As `run`, but at once, on the event loop, where it is small work.

        `size` is what there is to be read, in bytes of own tree JSON that take as long.
        """
        if size < SMALL_BYTES:
            return function(HERE, *arguments)
        needed = memory or MEMORY_FACTOR * size
        return (await self.run(tenant, function, *arguments, memory=needed)).result

    async def _tried(self, tenant: str, memory: int, request: bytes, answer: Answer) -> Done:
        for granted in self._scheduler.grants(memory):
            if self._stopped:
                raise _stopping()
            turn = self._scheduler.enqueue(tenant, granted)
            if (done := await self._run(turn, request, answer)) is not None:
                return done
        raise _refused("memory", f"{self._settings.memory_bytes:,} bytes of memory")

    async def _run(self, turn: Turn, request: bytes, answer: Answer) -> Done | None:
        """What came of it; None where the memory granted did not suffice."""
        lane = await self._scheduler.lane_of(turn)
        granted = OWN_BYTES + turn.memory
        work = lane.work(granted, request, answer, makes_way=turn.is_of_many)
        task = asyncio.create_task(work)
        self._under_way.add(task)
        metrics.RUNNING.set(len(self._under_way))
        task.add_done_callback(lambda _task: self._over(turn, lane, task))
        try:
            done, _ = await asyncio.wait([task], timeout=self._settings.wall_seconds)
            if not done:
                raise self._blocked(lane, task)
        except asyncio.CancelledError:
            self._abandon(lane, task)
            raise
        return await self._result(lane, task)

    def _blocked(self, lane: Lane, task: _Task) -> Unavailable:
        """End work that waits for something that does not come."""
        metrics.KILLED.labels("wall").inc()
        lane.kill()
        task.cancel()
        seconds = self._settings.wall_seconds
        return Unavailable(f"this came to no end within {seconds:g} s; try again")

    def _abandon(self, lane: Lane, task: _Task) -> None:
        """End the work soon: most is about to end by itself, which costs no process."""

        def kill() -> None:
            metrics.KILLED.labels("caller").inc()
            lane.kill()

        timer = asyncio.get_running_loop().call_later(self._settings.patience, kill)
        task.add_done_callback(lambda _task: timer.cancel())

    async def _result(self, lane: Lane, task: _Task) -> Done | None:
        try:
            kind, body = task.result()
        except wire.Ended:
            if (error := await self._why_ended(lane)) is not None:
                raise error from None
            return None
        spent, rest = wire.split_spent(body)
        if kind is Kind.RESULT:
            return Done(rest, spent.stages)
        if kind is Kind.ERROR:
            raise msgspec.msgpack.decode(rest, type=LaneError).error()
        metrics.KILLED.labels("memory").inc()
        return None

    async def _why_ended(self, lane: Lane) -> Exception | None:
        """The error; None where memory did not suffice."""
        status = await lane.end()
        if self._stopped:
            return _stopping()
        if status == -signal.SIGPROF:
            metrics.KILLED.labels("cpu").inc()
            return _refused("cpu", f"{self._settings.cpu_seconds:g} s of processor time")
        if status == OUT_OF_MEMORY:
            metrics.KILLED.labels("memory").inc()
            return None
        metrics.KILLED.labels("died").inc()
        return Unavailable("the process that worked on this ended before its work; try again")

    def _over(self, turn: Turn, lane: Lane, task: _Task) -> None:
        """The work is over: its lane is free, or gone."""
        self._under_way.discard(task)
        metrics.RUNNING.set(len(self._under_way))
        error = wire.Ended() if task.cancelled() else task.exception()
        if error is None:
            spent, _rest = wire.split_spent(task.result()[1])
            metrics.CPU.inc(spent.cpu)
            self._scheduler.give_back(turn, lane, spent.cpu, gone=spent.last)
        else:  # of a lane that was ended it is not known what it took
            gone = isinstance(error, wire.Ended)
            self._scheduler.give_back(turn, lane, turn.seconds(), gone=gone)


def _packed(function: Function, arguments: tuple[Any, ...]) -> bytes:
    return pickle.dumps((f"{function.__module__}:{function.__qualname__}", arguments), protocol=5)


async def _no_answer(_question: bytes) -> bytes:
    raise Unavailable("nobody answers questions of this work")


def _refused(why: str, limit: str) -> TooLarge:
    metrics.REFUSED.labels(why).inc()
    return TooLarge(f"this takes more than {limit}", metadata={"limit": limit})


def _stopping() -> Unavailable:
    return Unavailable("the service is stopping; try again")
