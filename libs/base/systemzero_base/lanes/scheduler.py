"""Which work has which lane, and how many lanes there are.

Invariants:
1. Of `count` + 1 lanes the last one that is free is for a tenant that has no work under way:
   whoever comes new does not wait behind one loud tenant, nor for a process that takes the place
   of one that ended. One more is started as soon as none is free. Whose work is next is for `fair`
   to say.
2. Of a tenant that has more than one piece, each makes way for the work of the others.
3. Work begins where the memory that it is granted fits beside what is under way; see `room`.
4. A lane that ended is replaced.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Final

from systemzero_base.lanes import metrics
from systemzero_base.lanes.fair import FairQueue
from systemzero_base.lanes.process import Lane
from systemzero_base.lanes.room import MemoryRoom
from systemzero_base.lanes.settings import LaneSettings
from systemzero_base.lanes.worker import Limits
from systemzero_core.errors import TooManyInFlight, Unavailable

FIRST_SECONDS: Final = 0.05
"""So long after its start, when it serves, a process starts a lane: no work has to wait for it."""
LOOK_SECONDS: Final = 1.0
"""How often it looks after its lanes when nothing calls for that."""

Start = Callable[[Limits], Awaitable[Lane]]


class Turn:
    """Work that waits for a lane, or has one.

    Attributes:
        tenant: whose it is.
        memory: the bytes that it is granted besides what is any lane's own.
        lane: the lane, once it has one.
        is_of_many: whether the tenant had more than one piece when it got one.
    """

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


class Scheduler:
    """Has as many lanes as there may be, and gives them to work."""

    def __init__(
        self, settings: LaneSettings, limits: Limits, processes: int, start: Start
    ) -> None:
        """`processes` is how many there are like this one."""
        self._limits = limits
        self._start = start
        self._most = settings.lanes(processes)
        self._most_waiting = settings.waiting
        self._room = MemoryRoom(settings, self._most + 1)
        self._queue: FairQueue[Turn] = FairQueue()
        self._lanes: set[Lane] = set()
        self._idle: list[Lane] = []
        self._gone: list[Lane] = []
        self._wanted = asyncio.Event()

    def grants(self, memory: int) -> Iterator[int]:
        """See `MemoryRoom.grants`."""
        return self._room.grants(memory)

    def enqueue(self, tenant: str, memory: int) -> Turn:
        """Work that waits from now on.

        Raises:
            TooManyInFlight: too much of the tenant waits.
        """
        waiting = self._queue.waiting(tenant)
        if waiting >= self._most_waiting:
            metrics.REFUSED.labels("waiting").inc()
            raise TooManyInFlight(
                f"{waiting} pieces of large work of this tenant wait already; try again later",
                retry_after=max(1.0, waiting * self._queue.estimate(tenant) / self._most),
                metadata={"subject": tenant},
            )
        turn = Turn(tenant, memory, asyncio.get_running_loop().create_future())
        self._queue.push(tenant, turn)
        self._dispatch()
        return turn

    async def lane_of(self, turn: Turn) -> Lane:
        """The lane, once it is its turn; where nobody waits any more it gives up both."""
        try:  # shielded: who is cancelled, and is not told so yet, may still be given one
            lane = await asyncio.shield(turn.lane)
        except asyncio.CancelledError:
            if self._queue.remove(turn.tenant, turn):
                self._dispatch()
            elif turn.lane.exception() is None:
                self.give_back(turn, turn.lane.result(), 0.0)
            raise
        metrics.WAITED.observe(turn.seconds())
        return lane

    def give_back(self, turn: Turn, lane: Lane, seconds: float, *, gone: bool = False) -> None:
        """The work is over, and took `seconds`: its lane is free, or `gone`."""
        self._room.give_back(turn.memory, aside=turn.aside)
        self._queue.done(turn.tenant, turn.charged, seconds)
        if gone:
            self._lose(lane)
        else:
            self._idle.append(lane)
        self._dispatch()

    async def tend(self) -> None:
        """Start lanes that are missing, and have no zombies of those that are gone.

        Raises:
            OSError: none can be started; where there is none at all, what waits is told so.
        """
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
                self.fail_waiting(Unavailable("no process for this work can be started"))
            raise

    def fail_waiting(self, error: Exception) -> None:
        """What waits gets no lane."""
        for turn in list(self._queue):
            self._queue.remove(turn.tenant, turn)
            turn.fail(error)
        self._tell()

    def kill(self) -> None:
        """End all lanes now, whatever they do."""
        for lane in self._lanes:
            lane.kill()

    async def end(self) -> None:
        """Have all lanes gone, and nothing left of them."""
        for lane in (*self._lanes, *self._gone):
            await lane.end()
        self._lanes.clear()
        self._idle.clear()
        self._tell()

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

    def _next(self) -> Turn | None:
        is_full = False

        def may_start(tenant: str, turn: Turn) -> bool:
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

    def _tell(self) -> None:
        metrics.LANES.set(len(self._lanes))
        metrics.WAITING.set(len(self._queue))
