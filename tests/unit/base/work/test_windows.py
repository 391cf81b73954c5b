"""Working on a stream a few messages at a time. Events, no sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from systemzero_base.work.windows import KeyedLocks, ordered


class Work:
    """Answers that a test lets through one by one."""

    def __init__(self, count: int) -> None:
        self.read = 0
        self.started: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.gates = [asyncio.Event() for _ in range(count)]
        self.begun = [asyncio.Event() for _ in range(count)]

    async def requests(self) -> AsyncIterator[int]:
        for n in range(len(self.gates)):
            self.read += 1
            yield n

    async def answer(self, index: int, request: int) -> str:
        assert index == request
        self.started.append(index)
        self.begun[index].set()
        try:
            await self.gates[index].wait()
        except asyncio.CancelledError:
            self.cancelled.append(index)
            raise
        self.ended.append(index)
        return f"answer {index}"


async def settled() -> None:
    """Until every task that can run has run."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_answers_come_in_order_however_work_ends() -> None:
    work = Work(6)
    answers = asyncio.ensure_future(_all(work, 6))
    for n in reversed(range(6)):
        await work.begun[n].wait()
        work.gates[n].set()
        await settled()
    assert await answers == [f"answer {n}" for n in range(6)]
    assert work.ended == [5, 4, 3, 2, 1, 0]


async def _all(work: Work, window: int) -> list[str]:
    return [answer async for answer in ordered(work.requests(), work.answer, window)]


async def test_no_more_is_read_than_the_window_has_room_for() -> None:
    work = Work(10)
    answers = asyncio.ensure_future(_all(work, 3))
    await work.begun[2].wait()
    await settled()
    assert (work.read, work.started) == (3, [0, 1, 2])
    work.gates[1].set()  # not the first: nothing can be answered yet
    await settled()
    assert work.read == 3
    work.gates[0].set()
    await work.begun[4].wait()
    await settled()
    assert work.read == 5
    for gate in work.gates:
        gate.set()
    assert len(await answers) == 10


async def test_a_consumer_that_does_not_take_answers_holds_the_window_closed() -> None:
    work = Work(10)
    for gate in work.gates:
        gate.set()
    async with aclosing(ordered(work.requests(), work.answer, 2)) as answers:
        assert await anext(answers) == "answer 0"
        await settled()
        assert work.read == 2
        assert await anext(answers) == "answer 1"
        await settled()
        assert work.read == 3


async def test_an_exception_ends_the_stream_and_what_is_under_way() -> None:
    work = Work(5)

    async def answer(index: int, request: int) -> str:
        if index == 1:
            raise ValueError("no")
        return await work.answer(index, request)

    answers = ordered(work.requests(), answer, 4)
    work.gates[0].set()
    assert await anext(answers) == "answer 0"
    await work.begun[3].wait()
    with pytest.raises(ValueError, match="no"):
        await anext(answers)
    assert sorted(work.cancelled) == [n for n in work.started if n > 1]
    with pytest.raises(StopAsyncIteration):
        await anext(answers)


async def test_who_stops_early_leaves_nothing_under_way() -> None:
    work = Work(8)
    work.gates[0].set()
    async with aclosing(ordered(work.requests(), work.answer, 4)) as answers:
        assert await anext(answers) == "answer 0"
        await work.begun[3].wait()
    assert sorted(work.cancelled) == work.started[1:]
    assert len(asyncio.all_tasks()) == 1


async def test_a_cancelled_consumer_leaves_nothing_under_way() -> None:
    work = Work(8)
    consumer = asyncio.ensure_future(_all(work, 4))
    await work.begun[3].wait()
    consumer.cancel()
    with pytest.raises(asyncio.CancelledError):
        await consumer
    await settled()
    assert sorted(work.cancelled) == [0, 1, 2, 3]
    assert len(asyncio.all_tasks()) == 1


async def test_a_slow_producer_delays_no_answer() -> None:
    more = asyncio.Event()

    async def requests() -> AsyncIterator[int]:
        yield 0
        await more.wait()
        yield 1

    async def answer(index: int, _request: int) -> int:
        return index

    async with aclosing(ordered(requests(), answer, 4)) as answers:
        assert await anext(answers) == 0
        more.set()
        assert await anext(answers) == 1


async def test_a_producer_that_fails_does_so_after_the_answers_before() -> None:
    async def requests() -> AsyncIterator[int]:
        yield 0
        raise ConnectionError("gone")

    async def answer(index: int, _request: int) -> int:
        return index

    answers = ordered(requests(), answer, 4)
    assert await anext(answers) == 0
    with pytest.raises(ConnectionError):
        await anext(answers)


async def test_turns_are_taken_in_order_by_name_and_forgotten() -> None:
    turns, log = KeyedLocks(), list[str]()
    gate = asyncio.Event()

    async def take(name: str, number: int) -> None:
        async with turns.of(name):
            if number == 0:
                await gate.wait()
            log.append(f"{name}{number}")

    tasks = [asyncio.ensure_future(take("a", n)) for n in range(3)]
    tasks += [asyncio.ensure_future(take("b", 1)), asyncio.ensure_future(take("", 1))]
    await settled()
    assert sorted(log) == ["1", "b1"]
    tasks[1].cancel()
    gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert log[2:] == ["a0", "a2"]
    assert not turns._locks
    assert not turns._users
