"""Supervised background loops: a service's own work beside its calls, restarted when it fails.

A loop is a round that is done again and again. One that raises is logged whole, counted, and after
a pause begun anew by the same factory; so no error ends a loop, and none goes unseen.

Invariants:
1. A loop ends by `stop`, `finish` or the end of its event loop, and by nothing that a round raises;
   a cancellation that nobody asked for is an error as any other.
2. The pause after a failure doubles, with jitter, until a round goes well; it is no longer than
   `LONGEST_PAUSE` or the loop's own.
3. A round MUST be bounded in time, and MUST keep what it had in hand where it raises: the next one
   goes on with it.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable, Iterator

from systemzero_base.work.rounds import is_asked_for
from systemzero_base.work.streak import Logger, Streak

Sleep = Callable[[float], Awaitable[None]]


class Background:
    """One loop on the event loop, from `start` to `stop` or `finish`."""

    def __init__(
        self, streak: Streak, work: Callable[[], Awaitable[None]], pause: float, sleep: Sleep
    ) -> None:
        """`work` makes a round; `pause` seconds lie between two that went well."""
        self.streak = streak
        self._work = work
        self._pause = pause
        self._sleep = sleep
        self._task: asyncio.Task[None] | None = None
        self._is_in_round = False
        self._finishing = False

    @property
    def name(self) -> str:
        """The loop's; that of its task, too."""
        return self.streak.name

    @property
    def started(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._task is not None

    def start(self) -> None:
        """Begin; the first round is done at once."""
        self._finishing = False
        self.streak.begun()
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Cancel the round under way, and wait for its end."""
        if self._task is None:
            return
        self._finishing = True  # a round that swallows the cancellation is the last one
        self._task.cancel()
        await asyncio.wait([self._task])
        self._task = None
        self.streak.ended()

    async def finish(self) -> None:
        """Wait for the end of the round under way, which is not cancelled; begin no other."""
        if self._task is None:
            return
        self._finishing = True
        if self._is_in_round:
            await asyncio.wait([self._task])
        await self.stop()

    async def once_more(self) -> None:
        """Do a round apart from the loop, as the last one after its end; a failure is told."""
        try:
            await self._work()
        except Exception as error:  # noqa: BLE001 - whoever closes goes on closing
            self.streak.failed(error)

    async def _run(self) -> None:
        pause = 0.0
        while not self._finishing:
            pause = await self._round(pause)

    async def _round(self, pause: float) -> float:
        """A round after `pause` seconds, and the loop's own pause; what to pause if they fail."""
        try:
            await self._sleep(pause)  # here, since this, too, may fail; 0 lets others go on
            if self._finishing:
                return 0.0
            self._is_in_round = True
            await self._work()
            self._is_in_round = False
            self.streak.went_well()
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:
            if is_asked_for(error):
                raise
            return self.streak.failed(error)
        finally:
            self._is_in_round = False
        return self._pause


class BackgroundThread:
    """One loop in a thread of its own, from `start` to `stop`."""

    def __init__(self, streak: Streak, work: Callable[[], None]) -> None:
        """`work` makes a round."""
        self.streak = streak
        self._work = work
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=streak.name, daemon=True)

    def start(self) -> None:
        """Begin; once."""
        self.streak.begun()
        self._thread.start()

    def stop(self) -> None:
        """Wait for the end of the round under way; blocks."""
        self._stopping.set()
        self._thread.join()
        self.streak.ended()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - told, and the loop goes on
                self._stopping.wait(self.streak.failed(error))
            else:
                self.streak.went_well()


class Loops:
    """The background loops of one service: where they are made, listed and asked after."""

    def __init__(
        self,
        service: str,
        logger: Logger,
        *,
        sleep: Sleep = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        """Names of its loops begin with `service`."""
        self._service = service
        self._logger = logger
        self._sleep = sleep
        self._jitter = jitter
        self._made: list[Background] = []
        self._streaks: list[Streak] = []

    def __iter__(self) -> Iterator[Background]:
        """Those on the event loop."""
        return iter(self._made)

    def new(
        self,
        name: str,
        work: Callable[[], Awaitable[None]],
        *,
        pause: float = 0.0,
        vital: bool = True,
    ) -> Background:
        """A loop, not yet started: `work` is a round, `pause` seconds lie between two.

        One that is `vital` makes the process take no calls while it fails again and again.
        """
        made = Background(self.streak(name, pause, vital=vital), work, pause, self._sleep)
        self._made.append(made)
        return made

    def thread(self, name: str, work: Callable[[], None]) -> BackgroundThread:
        """A loop in a thread, not yet started."""
        return BackgroundThread(self.streak(name), work)

    def streak(self, name: str, pause: float = 0.0, *, vital: bool = True) -> Streak:
        """What a loop of another making keeps of its rounds; `pause` is its own, in seconds."""
        made = Streak(f"{self._service}.{name}", self._logger, self._jitter, pause, vital=vital)
        self._streaks.append(made)
        return made

    def failing(self) -> str:
        """A condition of readiness: every vital loop does its work."""
        return "; ".join(each.failing for each in self._streaks if each.vital and each.failing)
