"""The places of streams that are listened to, and the account of what messages hold."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import Unavailable
from systemzero_gateway.limits import HeldBytes
from systemzero_gateway.limits.listening import ListenPermits
from tests.support.loops import until

TENANTS = ["a", "b", "c", "d", "e", "f"]


class Stream:
    """A stream that says something when told to; used as its call's context."""

    def __init__(self, listening: ListenPermits, tenant: str) -> None:
        self.said: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self.is_heard = False
        self.task = asyncio.create_task(self._hear(listening, tenant))

    async def read(self) -> Any:
        self.is_heard = True
        return await self.said

    async def _hear(self, listening: ListenPermits, tenant: str) -> Any:
        async with listening.of(tenant) as ear:
            return await ear.hear(self)


async def test_a_silent_stream_goes_on_while_nobody_waits() -> None:
    listening = ListenPermits(4, 2, 2, seconds=0)
    silent = [Stream(listening, "loud") for _ in range(2)]
    await until(lambda: len(listening) == 2)
    for stream in silent:
        stream.said.set_result(b"late")
        assert await stream.task == b"late"
    assert not len(listening)


async def test_a_silent_stream_ends_where_another_of_its_tenant_waits() -> None:
    listening = ListenPermits(4, 2, 2, seconds=0)
    silent = [Stream(listening, "loud") for _ in range(2)]
    await until(lambda: len(listening) == 2)
    quiet = Stream(listening, "quiet")
    waiting = Stream(listening, "loud")
    with pytest.raises(Unavailable):
        await silent[0].task
    await until(lambda: waiting.is_heard)
    assert not quiet.task.done()
    assert not silent[1].task.done()
    for stream in (silent[1], waiting, quiet):
        stream.said.set_result(b"now")
        assert await stream.task == b"now"
    assert not len(listening)


async def test_where_all_places_are_taken_a_tenant_with_most_makes_room_for_one_without_any() -> (
    None
):
    listening = ListenPermits(4, 2, 2, seconds=0)
    silent = [Stream(listening, tenant) for tenant in ("a", "a", "b", "c")]
    await until(lambda: len(listening) == 4)
    other = Stream(listening, "d")
    await until(lambda: other.is_heard)
    with pytest.raises(Unavailable):
        await silent[0].task
    for stream in (*silent[1:], other):
        stream.said.set_result(b"now")
        await stream.task
    assert not len(listening)


async def test_who_waits_and_is_given_up_takes_no_place() -> None:
    listening = ListenPermits(4, 2, 2, seconds=1e6)
    silent = [Stream(listening, "loud") for _ in range(2)]
    await until(lambda: len(listening) == 2)
    waiting = Stream(listening, "loud")
    await asyncio.sleep(0)
    for stream in (waiting, *silent):
        stream.task.cancel()
    await asyncio.gather(*(each.task for each in (waiting, *silent)), return_exceptions=True)
    assert not len(listening)


STEPS = st.lists(
    st.tuples(st.sampled_from(TENANTS), st.integers(1, 400), st.sampled_from("wgc")), max_size=80
)


@given(STEPS)
def test_never_more_is_held_than_may_be_and_nothing_is_lost(
    steps: list[tuple[str, int, str]],
) -> None:
    async def play() -> None:
        account = HeldBytes(1_000, seconds=1e6)
        tasks: list[asyncio.Task[None]] = []
        ways: list[asyncio.Event] = []

        async def message(tenant: str, size: int, go: asyncio.Event) -> None:
            assert await account.hold_when_there_is_room(tenant, size)
            try:
                await go.wait()
            finally:
                account.let_go(tenant, size)

        for number, (tenant, size, what) in enumerate(steps):
            if what == "w":
                ways.append(asyncio.Event())
                tasks.append(asyncio.create_task(message(tenant, size, ways[-1])))
            elif tasks and what == "g":
                ways[number % len(ways)].set()
            elif tasks:
                tasks[number % len(tasks)].cancel()
            for _ in range(4):
                await asyncio.sleep(0)
            assert len(account) <= account.total
        for way in ways:
            way.set()
        await asyncio.gather(*tasks, return_exceptions=True)
        assert not len(account)
        assert not account.waiting

    asyncio.run(play())


async def test_a_message_waits_for_room_and_goes_before_a_later_one_of_its_tenant() -> None:
    account = HeldBytes(800, seconds=1e6)
    account.hold("a", 150)
    large = asyncio.create_task(account.hold_when_there_is_room("a", 190))
    await asyncio.sleep(0)
    small = asyncio.create_task(account.hold_when_there_is_room("a", 10))
    other = asyncio.create_task(account.hold_when_there_is_room("b", 190))
    assert await other
    assert not small.done()
    account.let_go("a", 150)
    assert await large
    assert await small


async def test_a_message_without_room_is_told_so_in_time() -> None:
    account = HeldBytes(800, seconds=0)
    account.hold("a", 150)
    assert not await account.hold_when_there_is_room("a", 190)
    assert not account.waiting
