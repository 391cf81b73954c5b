"""The bell: who is woken."""

from __future__ import annotations

import asyncio

import pytest

from systemzero_base.work import bell as module
from systemzero_base.work.bell import Bell


@pytest.fixture
def bell(monkeypatch: pytest.MonkeyPatch) -> Bell:
    monkeypatch.setattr(module, "POLL_SECONDS", 3_600)
    return Bell()


async def test_a_ring_wakes_everybody_who_waits_for_the_tenant(bell: Bell) -> None:
    waiting = [asyncio.ensure_future(bell.wait("acme")) for _ in range(3)]
    other = asyncio.ensure_future(bell.wait("beta"))
    await asyncio.sleep(0)
    bell.ring("acme")
    await asyncio.gather(*waiting)
    assert not other.done()
    other.cancel()


async def test_a_ring_before_is_not_heard_and_breaks_nothing(bell: Bell) -> None:
    bell.ring("acme")
    waiting = asyncio.ensure_future(bell.wait("acme"))
    await asyncio.sleep(0)
    assert not waiting.done()
    bell.ring("acme")
    await waiting


async def test_one_who_goes_away_takes_nobody_along(bell: Bell) -> None:
    gone, stays = (asyncio.ensure_future(bell.wait("acme")) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.sleep(0)
    bell.ring("acme")
    await stays


async def test_without_a_ring_the_wait_ends_by_itself(
    bell: Bell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "POLL_SECONDS", 0)
    await bell.wait("acme")
