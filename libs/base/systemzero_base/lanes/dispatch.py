"""The lanes of one process: large work of all tenants, fairly, in processes that can be ended.

Invariants:
1. Of `count` + 1 lanes the last one that is free is for a tenant that has no work under way:
   whoever comes new does not wait behind one loud tenant, nor for a process that takes the place
   of one that ended. One more is started as soon as none is free. Whose work is next is for `fair`
   to say.
2. Work whose caller is gone leaves the queue; under way, it is ended with its process.
3. `stop` ends all work at once, whatever it does.
4. Of a tenant that has more than one piece, each makes way for the work of the others.
5. Work begins where the memory that it is granted fits beside what is under way; see `room`.
6. A lane that ended is replaced. While none can be started, the process takes no calls.
"""

from __future__ import annotations

import asyncio
import pickle  # nosec B403 - to own processes alone
import signal
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, NamedTuple

import msgspec

from systemzero_base.lanes import metrics, wire
from systemzero_base.lanes.fair import FairQueue
from systemzero_base.lanes.process import Answer, Lane
from systemzero_base.lanes.room import MemoryRoom
from systemzero_base.lanes.settings import OWN_BYTES, LaneSettings
from systemzero_base.lanes.wire import Kind, LaneError
from systemzero_base.lanes.worker import OUT_OF_MEMORY, Function, Limits, WorkContext
from systemzero_base.telemetry.observed import ChildSpan
from systemzero_base.telemetry.stages import SMALL_BYTES
from systemzero_base.work.background import Loops
from systemzero_core.errors import TooLarge, TooManyInFlight, Unavailable

MEMORY_FACTOR: Final = 32
"""Bytes of memory that work may need for each byte of own tree JSON, as an estimate."""
HERE: Final = WorkContext(None)
"""What small work has that is done at once."""
FIRST_SECONDS: Final = 0.05
"""So long after its start, when it serves, a process starts a lane: no work has to wait for it."""
LOOK_SECONDS: Final = 1.0
"""How often it looks after its lanes when nothing calls for that."""

Start = Callable[[Limits], Awaitable[Lane]]


class Done(NamedTuple):
    """The result of work, and seconds by the names of its stages."""

    result: bytes
    stages: tuple[tuple[str, float], ...]


class _Turn:
    """Work that waits for a lane, or has one."""

    __slots__ = ("aside", "charged", "is_of_many", "lane", "memory", "since", "tenant")

    def __init__(self, tenant: str, memory: int, lane: asyncio.Future[Lane]) -> None:
        self.tenant = tenant
        self.memory = memory
        self.lane = lane
        self.aside = False
        self.is_of_many = False
        self.charged = 0.0
        self.since = time.monotonic()

    def seconds(self) -> float:
        """How long it has waited, or been under way; it begins anew."""
        before, self.since = self.since, time.monotonic()
        return self.since - before

    def fail(self, error: Exception) -> None:
        """There will be no lane."""
        if not self.lane.done():
            self.lane.set_exception(error)


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
        self._limits = Limits(settings.cpu_seconds, settings.memory_bytes, modules)
        self._most = settings.lanes(processes)
        self._room = MemoryRoom(settings, self._most + 1)
        self._start = start
        self._queue: FairQueue[_Turn] = FairQueue()
        self._lanes: set[Lane] = set()
        self._idle: list[Lane] = []
        self._gone: list[Lane] = []
        self._under_way: set[_Task] = set()
        self._stopped = False
        self._wanted = asyncio.Event()
        self._tending = loops.new("lanes", self._tend)

    def start(self) -> None:
        """Take work; a lane is started when there is work for it."""
        self._tending.start()

    async def stop(self) -> None:
        """End all work. What waits, or is under way, ends with `Unavailable`."""
        self._stopped = True
        await self._tending.stop()
        self._fail_waiting(_stopping())
        for lane in self._lanes:
            lane.kill()
        if self._under_way:
            metrics.KILLED.labels("stop").inc(len(self._under_way))
            await asyncio.wait(list(self._under_way))
        for lane in (*self._lanes, *self._gone):
            await lane.end()
        self._lanes.clear()
        self._idle.clear()
        self._tell()

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
        for granted in self._room.grants(memory):
            turn = self._enqueue(tenant, granted)
            if (done := await self._run(turn, request, answer)) is not None:
                return done
        raise _refused("memory", f"{self._settings.memory_bytes:,} bytes of memory")

    def _enqueue(self, tenant: str, memory: int) -> _Turn:
        if self._stopped:
            raise _stopping()
        waiting = self._queue.waiting(tenant)
        if waiting >= self._settings.waiting:
            metrics.REFUSED.labels("waiting").inc()
            raise TooManyInFlight(
                f"{waiting} pieces of large work of this tenant wait already; try again later",
                retry_after=max(1.0, waiting * self._queue.estimate(tenant) / self._most),
                metadata={"subject": tenant},
            )
        turn = _Turn(tenant, memory, asyncio.get_running_loop().create_future())
        self._queue.push(tenant, turn)
        self._dispatch()
        return turn

    async def _run(self, turn: _Turn, request: bytes, answer: Answer) -> Done | None:
        """What came of it; None where the memory granted did not suffice."""
        lane = await self._lane_of(turn)
        granted = OWN_BYTES + turn.memory
        work = lane.work(granted, request, answer, makes_way=turn.is_of_many)
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(lambda _task: self._over(turn, lane, task))
        try:
            done, _ = await asyncio.wait([task], timeout=self._settings.wall_seconds)
            if not done:
                raise self._blocked(lane, task)
        except asyncio.CancelledError:
            self._abandon(lane, task)
            raise
        return await self._result(lane, task)

    async def _lane_of(self, turn: _Turn) -> Lane:
        try:  # shielded: who is cancelled, and is not told so yet, may still be given one
            lane = await asyncio.shield(turn.lane)
        except asyncio.CancelledError:
            if not self._queue.remove(turn.tenant, turn) and turn.lane.exception() is None:
                self._give_back(turn, turn.lane.result(), 0.0)
            self._dispatch()
            raise
        metrics.WAITED.observe(turn.seconds())
        return lane

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

    def _over(self, turn: _Turn, lane: Lane, task: _Task) -> None:
        """The work is over: its lane is free, or gone."""
        self._under_way.discard(task)
        error = wire.Ended() if task.cancelled() else task.exception()
        if error is None:
            spent, _rest = wire.split_spent(task.result()[1])
            metrics.CPU.inc(spent.cpu)
            self._give_back(turn, lane, spent.cpu, gone=spent.last)
        else:  # of a lane that was ended it is not known what it took
            self._give_back(turn, lane, turn.seconds(), gone=isinstance(error, wire.Ended))
        self._dispatch()

    def _give_back(self, turn: _Turn, lane: Lane, seconds: float, *, gone: bool = False) -> None:
        self._room.give_back(turn.memory, aside=turn.aside)
        self._queue.done(turn.tenant, turn.charged, seconds)
        if gone:
            self._lose(lane)
        else:
            self._idle.append(lane)

    def _lose(self, lane: Lane) -> None:
        self._lanes.discard(lane)
        self._gone.append(lane)
        self._wanted.set()

    def _dispatch(self) -> None:
        """Give idle lanes to what is next; have more started where that is not enough."""
        while self._idle:
            lane = self._idle.pop()
            if not lane.is_alive:
                self._lose(lane)
                continue
            turn = self._next()
            if turn is None:
                self._idle.append(lane)
                break
            turn.lane.set_result(lane)
        if self._is_short:
            self._wanted.set()
        self._tell()

    def _next(self) -> _Turn | None:
        is_full = False

        def may_start(tenant: str, turn: _Turn) -> bool:
            nonlocal is_full
            is_new = not self._queue.running(tenant)
            if not (is_new or self._idle):
                return False
            if not turn.memory or (not is_full and self._room.fits(turn.memory)):
                return True
            is_full = True  # no other one takes of the rest, or it would wait for good
            turn.aside = is_new and self._room.fits(turn.memory, aside=True)
            return turn.aside

        found = self._queue.pop(may_start)
        if found is None:
            return None
        turn, charged = found
        turn.charged = charged
        tenant = turn.tenant
        turn.is_of_many = self._queue.running(tenant) > 1 or self._queue.waiting(tenant) > 0
        self._room.take(turn.memory, aside=turn.aside)
        return turn

    @property
    def _is_short(self) -> bool:
        """Whether one more is to be started: work waits for it, or whoever comes next would."""
        return len(self._lanes) <= self._most and (not self._idle or bool(len(self._queue)))

    async def _tend(self) -> None:
        """Start lanes that are missing, and have no zombies of those that are gone."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_SECONDS if self._lanes else FIRST_SECONDS):
                await self._wanted.wait()
        self._wanted.clear()
        while self._gone:
            ended = self._gone[-1]
            await ended.end()
            self._gone.remove(ended)  # others may have gone meanwhile
        try:
            while self._is_short:
                lane = await self._start(self._limits)
                self._lanes.add(lane)
                self._idle.append(lane)
                self._dispatch()
        except OSError:
            self._wanted.set()
            if not self._lanes:
                self._fail_waiting(Unavailable("no process for this work can be started"))
            raise

    def _fail_waiting(self, error: Exception) -> None:
        for turn in list(self._queue):
            self._queue.remove(turn.tenant, turn)
            turn.fail(error)
        self._tell()

    def _tell(self) -> None:
        metrics.LANES.set(len(self._lanes))
        metrics.WAITING.set(len(self._queue))
        metrics.RUNNING.set(len(self._under_way))


def _packed(function: Function, arguments: tuple[Any, ...]) -> bytes:
    return pickle.dumps((f"{function.__module__}:{function.__qualname__}", arguments), protocol=5)


async def _no_answer(_question: bytes) -> bytes:
    raise Unavailable("nobody answers questions of this work")


def _refused(why: str, limit: str) -> TooLarge:
    metrics.REFUSED.labels(why).inc()
    return TooLarge(f"this takes more than {limit}", metadata={"limit": limit})


def _stopping() -> Unavailable:
    return Unavailable("the service is stopping; try again")
