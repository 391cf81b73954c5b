"""Counting calls under way: never more than may be, and nothing left over."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import Overloaded, TooManyInFlight
from systemzero_gateway.limits import InFlight

TENANTS = ["a", "b", "c"]


@given(st.lists(st.tuples(st.sampled_from(TENANTS), st.booleans()), max_size=200))
def test_the_counts_are_those_of_the_calls_that_were_let_in(steps: list[tuple[str, bool]]) -> None:
    counts, under_way = InFlight(total=5, per_tenant=3), list[str]()
    for tenant, comes in steps:
        if not comes:
            if under_way:
                counts.leave(under_way.pop())
            continue
        if len(under_way) == 5:
            with pytest.raises(Overloaded):
                counts.enter()
            continue
        counts.enter()
        try:
            counts.claim(tenant, 1 if tenant == "c" else None)
            under_way.append(tenant)
        except TooManyInFlight:
            assert under_way.count(tenant) == (1 if tenant == "c" else 3)
            counts.leave(None)
        assert len(counts) == len(under_way)
        assert [counts.of(name) for name in TENANTS] == [under_way.count(n) for n in TENANTS]


def test_a_refusal_says_when_to_try_again() -> None:
    counts = InFlight(total=2, per_tenant=1)
    counts.enter()
    counts.claim("a", None)
    counts.enter()
    with pytest.raises(TooManyInFlight) as of_tenant:
        counts.claim("a", None)
    with pytest.raises(Overloaded) as of_all:
        counts.enter()
    assert of_tenant.value.metadata == {"subject": "tenant", "limit": "1"}
    assert min(of_tenant.value.retry_after, of_all.value.retry_after) > 0


def test_other_bounds_hold_for_who_comes_then() -> None:
    counts = InFlight(total=1, per_tenant=1)
    counts.enter()
    counts.change(2, 2)
    counts.enter()
    counts.change(1, 1)
    with pytest.raises(Overloaded):
        counts.enter()


async def test_ten_thousand_calls_that_end_in_every_way_leave_nothing() -> None:
    counts, chance = InFlight(total=50, per_tenant=20), random.Random(7)  # noqa: S311 - no secret

    async def call(tenant: str) -> None:
        counts.enter()
        place = None
        try:
            await asyncio.sleep(0)
            counts.claim(tenant, None)
            place = tenant
            await asyncio.sleep(0)
            if chance.random() < 0.2:
                raise ValueError
        finally:
            counts.leave(place)

    for _ in range(100):
        calls = [asyncio.create_task(call(chance.choice(TENANTS))) for _ in range(100)]
        await asyncio.sleep(0)
        for task in chance.sample(calls, 30):
            task.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        assert len(counts) == sum(counts.of(tenant) for tenant in TENANTS) == 0
