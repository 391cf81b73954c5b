"""Large work in processes: fair, bounded, and ended at any moment. Real processes."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from systemzero_base.lanes import scheduler
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.lanes.process import Lane
from systemzero_base.lanes.settings import ASIDE_BYTES, OWN_BYTES, LaneSettings
from systemzero_base.lanes.wire import LaneFault
from systemzero_base.lanes.worker import NICENESS, NICENESS_OF_LONG, Limits
from systemzero_base.work.background import Loops
from systemzero_core.errors import InvalidInput, TooLarge, TooManyInFlight, Unavailable
from tests.support import lane_work
from tests.support.loops import some_loops, until
from tests.support.patience import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="bounds of Linux")


@asynccontextmanager
async def lanes(
    *, loops: Loops | None = None, start: Any = Lane.start, **settings: Any
) -> AsyncIterator[Lanes]:
    made = Lanes(
        LaneSettings(**{"count": 1, "patience": 0.0, **settings}),
        loops or some_loops(),
        ("tests.support.lane_work",),
        start=start,
    )
    made.start()
    try:
        yield made
    finally:
        await made.stop()


class Held:
    """Work that is held up by its question until it is let go."""

    def __init__(self, lanes: Lanes, order: list[str]) -> None:
        self._lanes, self._order = lanes, order
        self.go = asyncio.Event()
        self.begun: asyncio.Queue[str] = asyncio.Queue()

    def work(self, tenant: str, name: str, memory: int = 0) -> asyncio.Task[Any]:
        async def answer(question: bytes) -> bytes:
            self._order.append(question.decode())
            self.begun.put_nowait(question.decode())
            await self.go.wait()
            return question

        run = self._lanes.run(tenant, lane_work.ask, name.encode(), memory=memory, answer=answer)
        return asyncio.create_task(run)


def told(pids: asyncio.Future[int]) -> Callable[[bytes], Awaitable[bytes]]:
    """An answer that tells which process asked."""

    async def answer(question: bytes) -> bytes:
        pids.set_result(int(question))
        return b""

    return answer


async def gone(pid: int) -> None:
    """Wait until there is no such process; one that nobody waited for yet is none, either."""

    def is_gone() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
        except (FileNotFoundError, ProcessLookupError):
            return True

    await until(is_gone)


async def test_work_comes_back_with_its_result_and_what_its_stages_took() -> None:
    async def answer(question: bytes) -> bytes:
        return question.upper()

    async with lanes() as made:
        large = os.urandom(9_000_000)
        assert (await made.run("acme", lane_work.echo, large)).result == large
        done = await made.run("acme", lane_work.ask, b"which", answer=answer)
        assert done.result == b"WHICH"
        assert [name for name, _seconds in done.stages] == ["asked"]


async def test_errors_are_as_they_were_raised() -> None:
    async with lanes() as made:
        with pytest.raises(InvalidInput, match="two nodes are none") as caught:
            await made.run("acme", lane_work.refuse)
        assert [each.field for each in caught.value.violations] == ["nodes[3]", "nodes[4]"]
        assert caught.value.metadata == {"limit": "2"}
        with pytest.raises(LaneFault, match="ZeroDivisionError"):
            await made.run("acme", lane_work.fail)

        async def answer(_question: bytes) -> bytes:
            raise Unavailable("no templates")

        first = await made.run("acme", lane_work.pid)
        with pytest.raises(Unavailable, match="no templates"):
            await made.run("acme", lane_work.ask, b"", answer=answer)
        assert await made.run("acme", lane_work.pid) == first


async def test_who_comes_new_does_not_wait_behind_one_loud_tenant() -> None:
    order: list[str] = []
    async with lanes(count=2) as made:
        held = Held(made, order)
        loud = [held.work("loud", f"loud {n}") for n in range(50)]
        await until(lambda: len(order) == 2)
        quiet = held.work("quiet", "quiet")
        await until(lambda: len(order) == 3)
        assert order[-1] == "quiet"  # in the lane to spare, while nothing has ended
        other = held.work("other", "other")
        held.go.set()
        await asyncio.gather(quiet, other, *loud)
        assert order.index("other") < 8  # the first of the loud one took less than was charged


async def test_who_comes_new_waits_for_no_process_that_takes_the_place_of_another() -> None:
    """Where a lane has just ended, what is left of them is not all for the loud one."""
    order: list[str] = []
    may_start, started = asyncio.Semaphore(3), asyncio.Queue[int]()

    async def start(limits: Limits) -> Lane:
        await may_start.acquire()
        lane = await Lane.start(limits)
        started.put_nowait(lane.pid)
        return lane

    async with lanes(count=2, start=start) as made:
        held = Held(made, order)
        first = held.work("loud", "first")
        second = held.work("loud", "second")
        await until(lambda: len(order) == 2)
        pids = [await started.get() for _ in range(3)]
        held.go.set()
        await asyncio.gather(first, second)
        held.go.clear()
        busy: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        spinning = asyncio.create_task(made.run("loud", lane_work.spin, answer=told(busy)))
        assert await busy in pids
        another = held.work("loud", "another")
        await until(lambda: order[2:] == ["another"])
        os.kill(await busy, signal.SIGKILL)
        with pytest.raises(Unavailable):
            await spinning
        loud = [held.work("loud", f"loud {n}") for n in range(5)]
        await asyncio.sleep(0)
        quiet = held.work("quiet", "quiet")
        await until(lambda: len(order) == 4)
        assert order[-1] == "quiet"
        may_start.release()
        held.go.set()
        await asyncio.gather(another, quiet, *loud)


async def test_a_lane_is_started_before_somebody_comes_new() -> None:
    started: asyncio.Queue[Lane] = asyncio.Queue()

    async def start(limits: Limits) -> Lane:
        started.put_nowait(lane := await Lane.start(limits))
        return lane

    async with lanes(count=2, start=start) as made, asyncio.timeout(PATIENCE):
        held = Held(made, [])
        work = held.work("acme", "alone")
        for _ in range(2):  # its own, and one for whoever comes next
            await started.get()
        held.go.set()
        await work


async def test_work_of_some_memory_of_who_comes_new_waits_for_no_work_of_much() -> None:
    order: list[str] = []
    async with lanes(count=2) as made:
        held = Held(made, order)
        loud = [held.work("loud", f"loud {n}", memory=10**9) for n in range(20)]
        await until(lambda: len(order) == 1)
        medium = [held.work(name, name, memory=30_000_000) for name in ("quiet", "other")]
        await until(lambda: len(order) == 3)
        assert sorted(order) == ["loud 0", "other", "quiet"]
        held.go.set()
        await asyncio.gather(*loud, *medium)


async def test_work_that_takes_long_makes_way_for_what_does_not() -> None:
    async with lanes() as made:
        old = int((await made.run("acme", lane_work.grow_old, NICENESS_OF_LONG)).result)
        assert old == NICENESS_OF_LONG
        # the same lane is none the worse for it
        assert int((await made.run("acme", lane_work.niceness)).result) == min(
            os.nice(0) + NICENESS, 19
        )


async def test_who_goes_as_a_lane_gets_free_takes_it_along_for_nobody() -> None:
    """Cancelled, and not yet told so, at the moment at which the lane would be theirs."""
    loop, faults = asyncio.get_running_loop(), list[Any]()
    loop.set_exception_handler(lambda _loop, said: faults.append(said))
    async with lanes() as made:
        held = Held(made, [])
        held.work("acme", "first")
        await held.begun.get()
        waiting = held.work("acme", "second")
        await asyncio.sleep(0)
        (work,) = (t for t in asyncio.all_tasks() if "Lane.work" in repr(t.get_coro()))

        def go_as_it_ends() -> None:
            if work.done():
                waiting.cancel()
            else:
                loop.call_soon(go_as_it_ends)

        loop.call_soon(go_as_it_ends)
        held.go.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert faults == []
        assert (await made.run("acme", lane_work.echo, b"free")).result == b"free"


async def test_of_a_tenant_with_more_than_one_piece_each_makes_way() -> None:
    order: list[str] = []
    async with lanes(count=2) as made:
        held = Held(made, order)
        under_way = held.work("loud", "first")
        await until(lambda: len(order) == 1)
        loud = made.run("loud", lane_work.niceness)
        quiet = made.run("quiet", lane_work.niceness)
        begun = min(os.nice(0) + NICENESS, NICENESS_OF_LONG)
        assert int((await loud).result) == NICENESS_OF_LONG
        assert int((await quiet).result) == begun
        held.go.set()
        await under_way


async def test_work_of_a_caller_that_is_gone_leaves_the_queue_or_is_ended() -> None:
    order: list[str] = []
    async with lanes() as made:
        begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        spinning = asyncio.create_task(made.run("acme", lane_work.spin, answer=told(begun)))
        pid = await begun
        held = Held(made, order)
        waiting = held.work("acme", "first")
        behind = held.work("acme", "second")
        await asyncio.sleep(0)
        waiting.cancel()
        spinning.cancel()
        held.go.set()
        await behind
        await gone(pid)
        assert order == ["second"]
        assert spinning.cancelled()
        assert waiting.cancelled()


@pytest.mark.parametrize("work", [lane_work.spin, lane_work.spin_in_c])
async def test_work_past_its_processor_time_is_refused(work: Any) -> None:
    async with lanes(cpu_seconds=0.2) as made:
        begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        with pytest.raises(TooLarge, match=r"more than 0\.2 s of processor time"):
            await made.run("acme", work, answer=told(begun))
        await gone(begun.result())
        assert (await made.run("acme", lane_work.echo, b"x")).result == b"x"


async def test_work_past_the_memory_is_refused() -> None:
    async with lanes(memory_bytes=200_000_000) as made:
        assert (await made.run("acme", lane_work.grow, 50_000_000)).result == b"50000000"
        with pytest.raises(TooLarge, match="200,000,000 bytes of memory"):
            await made.run("acme", lane_work.grow, 300_000_000)
        assert (await made.run("acme", lane_work.echo, b"x")).result == b"x"


async def test_work_that_needs_more_than_was_estimated_gets_all_that_work_may() -> None:
    async with lanes(memory_bytes=300_000_000) as made:
        done = await made.run("acme", lane_work.grow, 150_000_000, memory=1_000_000)
        assert done.result == b"150000000"


async def test_work_is_held_to_its_estimate_while_others_are_under_way() -> None:
    """Or what all of it needs together would be bounded by nothing."""
    order: list[str] = []
    room: Any = {"memory_bytes": 300_000_000, "memory_in_all_bytes": 564_000_000}
    async with lanes(count=2, **room) as made:
        held = Held(made, order)
        other = held.work("other", "other", memory=100_000_000)
        await until(lambda: order == ["other"])

        async def begun(question: bytes) -> bytes:
            order.append(question.decode())
            return b""

        grown = asyncio.create_task(
            made.run("acme", lane_work.begin_and_grow, 150_000_000, memory=1_000_000, answer=begun)
        )
        await until(lambda: "begun" in order)
        held.go.set()
        await other
        assert (await grown).result == b"150000000"
        assert order == ["other", "begun", "begun"]  # the second time with all that work may need


async def test_work_that_waits_for_what_does_not_come_is_ended() -> None:
    begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def never(question: bytes) -> bytes:
        begun.set_result(int(question))
        await asyncio.get_running_loop().create_future()
        return b""

    async with lanes(wall_seconds=2.0) as made:
        with pytest.raises(Unavailable, match="no end within 2 s"):
            await made.run("acme", lane_work.spin, answer=never)
        await gone(begun.result())
    async with lanes(wall_seconds=2.0) as made:
        begun = asyncio.get_running_loop().create_future()
        with pytest.raises(Unavailable, match="no end within 2 s"):
            await made.run("acme", lane_work.block, answer=told(begun))
        await gone(begun.result())
    async with lanes() as made:
        assert (await made.run("acme", lane_work.echo, b"x")).result == b"x"


def test_memory_in_all_that_does_not_suffice_for_one_lane_is_no_setting() -> None:
    with pytest.raises(ValueError, match="memory_in_all_bytes must be 660,000,000 or more"):
        LaneSettings(memory_bytes=500_000_000, memory_in_all_bytes=500_000_000)


async def test_a_request_that_does_not_fit_into_memory_is_refused() -> None:
    async with lanes(memory_bytes=200_000_000) as made:
        with pytest.raises(TooLarge, match="200,000,000 bytes of memory"):
            await made.run("acme", lane_work.echo, bytes(250_000_000))
        with pytest.raises(TooLarge, match="200,000,000 bytes of memory"):
            await made.run("acme", lane_work.make, 120_000_000)
        assert (await made.run("acme", lane_work.echo, b"x")).result == b"x"


@pytest.mark.parametrize("processors", [1, 2, 4, 64])
def test_all_lanes_together_fit_into_their_memory(
    processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: range(processors))
    settings = LaneSettings()
    lanes_in_all = settings.lanes() + 1
    in_all = settings.memory_bytes + (lanes_in_all - 1) * OWN_BYTES + ASIDE_BYTES
    assert in_all <= settings.memory_in_all_bytes
    # the service itself has the rest of 1 GiB: itself, its templates, requests on their way
    assert settings.memory_in_all_bytes <= 704_000_000


async def test_a_lane_that_holds_much_is_replaced() -> None:
    async with lanes() as made:
        first = await made.run("acme", lane_work.hoard, 300_000_000)
        await gone(int(first.result))
        assert (await made.run("acme", lane_work.pid)).result != first.result


async def test_a_lane_that_was_killed_is_replaced_and_its_work_says_so() -> None:
    async with lanes() as made:
        begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(made.run("acme", lane_work.spin, answer=told(begun)))
        os.kill(await begun, signal.SIGKILL)
        with pytest.raises(Unavailable, match="try again"):
            await task
        idle = int((await made.run("acme", lane_work.pid)).result)
        os.kill(idle, signal.SIGKILL)
        await gone(idle)
        assert int((await made.run("acme", lane_work.pid)).result) != idle


async def test_more_of_one_tenant_than_may_wait_is_refused() -> None:
    order: list[str] = []
    async with lanes(waiting=3) as made:
        held = Held(made, order)
        tasks = [held.work("loud", "1")]
        await until(lambda: len(order) == 1)
        tasks += [held.work("loud", str(n)) for n in range(2, 5)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyInFlight, match="3 pieces of large work") as caught:
            await made.run("loud", lane_work.echo, b"")
        assert caught.value.retry_after >= 1
        assert (await made.run("quiet", lane_work.echo, b"x")).result == b"x"
        held.go.set()
        await asyncio.gather(*tasks)


async def test_a_stop_ends_all_work_at_once() -> None:
    async with lanes() as made:
        begun: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        busy = asyncio.create_task(made.run("acme", lane_work.spin_in_c, answer=told(begun)))
        pid = await begun
        waiting = asyncio.create_task(made.run("acme", lane_work.echo, b"x"))
        await asyncio.sleep(0)
        await made.stop()
        for task in (busy, waiting):
            with pytest.raises(Unavailable, match="stopping"):
                await task
        await gone(pid)
        with pytest.raises(Unavailable, match="stopping"):
            await made.run("acme", lane_work.echo, b"x")


async def test_work_that_needs_much_memory_is_not_done_beside_other_such_work() -> None:
    order: list[str] = []
    room: Any = {"memory_bytes": 500_000_000, "memory_in_all_bytes": 864_000_000}
    async with lanes(count=3, **room) as made:
        held = Held(made, order)

        def large(name: str, memory: int) -> asyncio.Task[Any]:
            async def answer(question: bytes) -> bytes:
                order.append(question.decode())
                await held.go.wait()
                return b""

            run = made.run("acme", lane_work.ask, name.encode(), memory=memory, answer=answer)
            return asyncio.create_task(run)

        tasks = [large("first", 400_000_000), large("second", 400_000_000)]
        tasks += [large("third", 100_000_000)]  # would fit; but then the second may never
        tasks += [held.work("other", "small")]
        await until(lambda: len(order) == 2)
        await made.run("another", lane_work.echo, b"x")
        assert sorted(order) == ["first", "small"]
        held.go.set()
        await asyncio.gather(*tasks)
        assert order[2:] in (["second", "third"], ["third", "second"])


async def test_what_cannot_be_started_is_told_and_tried_again() -> None:
    loops, works = some_loops(), asyncio.Event()

    async def start(limits: Limits) -> Lane:
        if not works.is_set():
            raise OSError("no more processes")
        return await Lane.start(limits)

    async with lanes(loops=loops, start=start) as made:
        with pytest.raises(Unavailable, match="no process for this work can be started"):
            await made.run("acme", lane_work.echo, b"x")
        async with asyncio.timeout(PATIENCE):
            while not loops.failing():  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(0.01)
        assert "lanes" in loops.failing()
        works.set()
        await until(lambda: not loops.failing())
        assert (await made.run("acme", lane_work.echo, b"x")).result == b"x"


async def test_a_lane_is_there_before_there_is_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scheduler, "LOOK_SECONDS", 1e6)
    started = asyncio.Event()

    async def start(limits: Limits) -> Lane:
        started.set()
        return await Lane.start(limits)

    async with lanes(start=start), asyncio.timeout(PATIENCE):
        await started.wait()


async def test_signals_to_the_whole_group_do_not_end_a_lane() -> None:
    async with lanes() as made:
        assert (await made.run("acme", lane_work.interrupt)).result == b"still here"


async def test_a_lane_inherits_no_socket_of_the_service() -> None:
    import socket

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        os.set_inheritable(listening.fileno(), True)
        async with lanes() as made:
            held = (await made.run("acme", lane_work.descriptors)).result.decode().splitlines()
    assert sum("socket:" in line for line in held) == 1, held
    assert sum("pipe:" in line for line in held) <= 2, held  # its end, and pytest's own stderr


async def test_a_lane_imports_little() -> None:
    async with lanes() as made:
        loaded = set((await made.run("acme", lane_work.modules)).result.decode().splitlines())
    for heavy in ("grpc", "sqlalchemy", "prometheus_client", "structlog", "uvloop"):
        assert heavy not in loaded


_ORPHANS = """
import asyncio, os, signal, sys
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.lanes.settings import LaneSettings
from tests.support import lane_work
from tests.support.loops import some_loops

async def main():
    lanes = Lanes(LaneSettings(count=1), some_loops())
    lanes.start()
    async def answer(question):
        print(question.decode(), flush=True)
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), signal.SIGKILL)
        return b""
    await lanes.run("acme", getattr(lane_work, sys.argv[1]), answer=answer)

asyncio.run(main())
"""


@pytest.mark.parametrize("work", ["spin", "spin_in_c"])
async def test_a_lane_ends_with_its_service_whatever_it_does(work: str) -> None:
    ended = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _ORPHANS, work], stdout=subprocess.PIPE, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    await gone(int(ended.stdout))
