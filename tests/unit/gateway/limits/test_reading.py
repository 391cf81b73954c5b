"""The places of messages that are being read: bounded, in turns between tenants, none lost."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from systemzero_gateway.limits import ReadPermits
from systemzero_gateway.limits.reading import OF_TENANT, PLACES

TENANTS = [f"tenant {number}" for number in range(40)]


async def settle() -> None:
    """Let every task go on as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


class Slow:
    """Calls whose message never comes."""

    def __init__(self, reading: ReadPermits) -> None:
        self._reading = reading
        self.tasks: list[asyncio.Task[None]] = []
        self.read: list[str] = []

    def begin(self, tenant: str) -> asyncio.Task[None]:
        task = asyncio.create_task(self._call(tenant))
        self.tasks.append(task)
        return task

    async def end(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _call(self, tenant: str) -> None:
        async with self._reading.of(tenant):
            self.read.append(tenant)
            try:
                await asyncio.Event().wait()
            finally:
                self.read.remove(tenant)


async def test_slow_senders_hold_their_own_tenants_places_alone() -> None:
    slow = Slow(ReadPermits())
    for tenant in TENANTS[:6]:
        for _ in range(50):
            slow.begin(tenant)
    await settle()
    assert len(slow.read) < PLACES
    slow.begin("quiet")
    await settle()
    assert "quiet" in slow.read
    await slow.end()


async def test_who_waits_goes_on_in_turns_between_tenants() -> None:
    reading = ReadPermits()
    slow = Slow(reading)
    first = [slow.begin("loud") for _ in range(OF_TENANT)]
    for _ in range(10):
        slow.begin("loud")
    await settle()
    assert slow.read == ["loud"] * OF_TENANT
    first[0].cancel()
    await settle()
    assert slow.read == ["loud"] * OF_TENANT
    await slow.end()
    assert not len(reading)


@given(st.lists(st.tuples(st.sampled_from(TENANTS[:12]), st.integers(0, 3)), max_size=120))
def test_there_are_never_more_than_may_be_and_none_is_lost(steps: list[tuple[str, int]]) -> None:
    async def play() -> None:
        reading = ReadPermits()
        slow = Slow(reading)
        for number, (tenant, what) in enumerate(steps):
            if what:
                slow.begin(tenant)
            elif slow.tasks:
                slow.tasks[number % len(slow.tasks)].cancel()
            if what == 1:
                await settle()
            assert len(reading) <= PLACES
            assert all(slow.read.count(name) <= OF_TENANT for name in TENANTS)
        await slow.end()
        assert not len(reading)
        async with reading.of(TENANTS[0]):
            assert len(reading) == 1

    asyncio.run(play())
