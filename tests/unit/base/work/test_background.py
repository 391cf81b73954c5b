"""Background loops: begun again whatever their rounds raise, and ended by nothing else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from systemzero_base.telemetry.logs import LogSettings, get_logger
from systemzero_base.work.background import Background, Loops
from systemzero_base.work.streak import LONGEST_PAUSE, MOST_FAILURES
from tests.support.logging import lines_in, logging_as
from tests.support.patience import PATIENCE


@pytest.fixture(autouse=True)
def log(tmp_path: Path) -> Iterator[Path]:
    with logging_as(LogSettings(output=str(tmp_path / "log"))):
        yield tmp_path / "log"


class Unshowable(Exception):
    """An error whose text can't be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")


class Above(BaseException):
    """An error that is no Exception."""


ERRORS = [RuntimeError("x"), MemoryError(), RecursionError(), Unshowable(), Above(), KeyError(1)]


class Rig:
    """Loops whose pauses take no time and are noted."""

    def __init__(self, jitter: float = 1.0) -> None:
        self.pauses: list[float] = []
        self.loops = Loops("rig", get_logger("rig"), sleep=self.sleep, jitter=lambda: jitter)

    async def sleep(self, seconds: float) -> None:
        self.pauses += [seconds] * bool(seconds)
        await asyncio.sleep(0)

    def new(
        self, work: Callable[[], Awaitable[None]], *, pause: float = 1.0, vital: bool = True
    ) -> Background:
        return self.loops.new("loop", work, pause=pause, vital=vital)


class Rounds:
    """Raises what is given, one error a round; after that rounds go well, and count."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.well = 0
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.well += 1
        self.done.set()


def running() -> float | None:
    return REGISTRY.get_sample_value("systemzero_background_running", {"loop": "rig.loop"})


def restarts() -> float:
    labels = {"loop": "rig.loop"}
    return REGISTRY.get_sample_value("systemzero_background_restarts_total", labels) or 0


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
async def test_a_loop_outlives_any_error_of_a_round(error: BaseException) -> None:
    rig, rounds, before = Rig(), Rounds(error), restarts()
    loop = rig.new(rounds)
    loop.start()
    await rounds.done.wait()
    assert restarts() == before + 1
    await loop.stop()


async def test_a_cancellation_that_nobody_asked_for_ends_no_loop() -> None:
    rounds = Rounds()
    calls: list[asyncio.Future[None]] = []

    async def work() -> None:
        if not calls:
            calls.append(asyncio.get_running_loop().create_future())
            calls[0].cancel()
            await calls[0]
        await rounds()

    loop = Rig().new(work)
    loop.start()
    await rounds.done.wait()
    await loop.stop()


@pytest.mark.parametrize(("own", "longest"), [(1.0, LONGEST_PAUSE), (60.0, 60.0)])
async def test_pauses_double_up_to_a_bound_and_begin_anew_after_a_round_that_went_well(
    own: float, longest: float
) -> None:
    rig, rounds = Rig(), Rounds(*[RuntimeError()] * 20)
    loop = rig.new(rounds, pause=own)
    loop.start()
    await rounds.done.wait()
    assert rig.pauses[:20] == [min(0.1 * 2**n, longest) for n in range(20)]
    rig.pauses.clear()
    rounds.errors = [RuntimeError()]
    rounds.done.clear()
    await rounds.done.wait()
    assert 0.1 in rig.pauses
    await loop.stop()


async def test_jitter_shortens_a_pause_to_the_half_at_most() -> None:
    rig, rounds = Rig(jitter=0.0), Rounds(RuntimeError(), RuntimeError())
    loop = rig.new(rounds)
    loop.start()
    await rounds.done.wait()
    assert rig.pauses[:2] == [0.05, 0.1]
    await loop.stop()


async def test_a_failure_is_logged_whole_and_counted_and_the_gauge_follows(log: Path) -> None:
    seen: list[float | None] = []
    rounds = Rounds(RuntimeError("the reason"))

    async def work() -> None:
        seen.append(running())
        await rounds()

    loop = Rig().new(work)
    loop.start()
    await rounds.done.wait()
    await loop.stop()
    told = [line for line in lines_in(log) if line["event"] == "background.failed"]
    assert (told[0]["loop"], told[0]["failures"]) == ("rig.loop", 1)
    assert "the reason" in told[0]["exception"]
    assert "in work" in told[0]["exception"]
    assert seen[:2] == [1, 0]
    assert running() == 0


@pytest.mark.parametrize("vital", [True, False])
async def test_repeated_failure_of_a_vital_loop_is_a_reason_to_take_no_calls(vital: bool) -> None:
    rig, failed = Rig(), asyncio.Event()
    rounds = Rounds(*[RuntimeError("a secret")] * MOST_FAILURES)

    async def work() -> None:
        if not rounds.errors and not failed.is_set():
            said.append(rig.loops.failing())
            failed.set()
        await rounds()

    said: list[str] = []
    loop = rig.new(work, vital=vital)
    assert not rig.loops.failing()
    loop.start()
    await rounds.done.wait()
    assert ("rig.loop" in said[0] and "RuntimeError" in said[0]) is vital
    assert "secret" not in said[0]
    assert not rig.loops.failing()
    await loop.stop()


async def test_stopping_cancels_the_round_and_finishing_waits_for_it() -> None:
    begun, let_go, ends = asyncio.Event(), asyncio.Event(), []

    async def work() -> None:
        begun.set()
        try:
            await let_go.wait()
            ends.append("well")
        except asyncio.CancelledError:
            ends.append("cancelled")
            raise

    loop = Rig().new(work)
    for end in (loop.stop, loop.finish):
        let_go.clear()
        loop.start()
        await begun.wait()
        begun.clear()
        ending = asyncio.ensure_future(end())
        await asyncio.sleep(0)
        let_go.set()
        await ending
        assert not loop.started
    assert ends == ["cancelled", "well"]


@pytest.mark.parametrize("errors", [[], [RuntimeError()]], ids=["well", "failed"])
async def test_a_loop_outlives_what_is_raised_in_a_pause(errors: list[BaseException]) -> None:
    async def pause(seconds: float) -> None:
        if seconds and not raised:
            raised.append(RuntimeError())
            raise raised[0]
        await asyncio.sleep(0)

    raised: list[BaseException] = []
    rounds, before = Rounds(*errors), restarts()
    loop = Loops("rig", get_logger("rig"), sleep=pause).new("loop", rounds, pause=1.0)
    loop.start()
    while not (raised and rounds.well > 1):
        rounds.done.clear()
        await rounds.done.wait()
    assert restarts() == before + len(errors) + 1
    await loop.stop()


@pytest.mark.parametrize("errors", [[], [RuntimeError()]], ids=["well", "failed"])
async def test_finishing_waits_for_no_pause(errors: list[BaseException]) -> None:
    pausing = asyncio.Event()

    async def pause(seconds: float) -> None:
        if seconds:
            pausing.set()
            await asyncio.Event().wait()

    loop = Loops("rig", get_logger("rig"), sleep=pause).new("loop", Rounds(*errors), pause=1.0)
    loop.start()
    await pausing.wait()
    await loop.finish()


async def test_a_round_that_swallows_its_cancellation_is_the_last_one() -> None:
    begun = asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    loop = Rig().new(work)
    loop.start()
    await begun.wait()
    await loop.stop()


async def test_the_end_of_the_event_loop_ends_a_loop() -> None:
    def run() -> None:
        async def main() -> None:
            Rig().new(Rounds()).start()
            await asyncio.sleep(0)

        asyncio.run(main())

    await asyncio.to_thread(run)


async def test_the_last_round_raises_nothing() -> None:
    loop = Rig().new(Rounds(RuntimeError()))
    before = restarts()
    await loop.once_more()
    assert restarts() == before + 1


def test_a_loop_in_a_thread_outlives_what_its_rounds_raise() -> None:
    errors, well = [RuntimeError("x"), KeyError()], threading.Event()

    def work() -> None:
        if errors:
            raise errors.pop()
        well.set()

    loop = Loops("rig", get_logger("rig"), jitter=lambda: 0.0).thread("thread", work)
    loop.start()
    assert well.wait(PATIENCE)
    loop.stop()
    assert not errors
