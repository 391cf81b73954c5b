"""The limiter against a bucket that is filled drop by drop."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_chassis.identity import Principal
from systemzero_gateway.caller import Caller
from systemzero_gateway.limits import Bucket, CallerLimits, MemoryLimits, Rate
from systemzero_gateway.quotas import NO_QUOTAS, Quotas


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Model:
    """The naive model: a level that rises with time up to the burst, in exact arithmetic."""

    def __init__(self, rate: Rate) -> None:
        self.speed = Fraction(rate.per_minute) / 60
        self.burst = Fraction(rate.burst)
        self.level = self.burst

    def wait(self, seconds: Fraction) -> None:
        self.level = min(self.burst, self.level + seconds * self.speed)

    def take(self, cost: int) -> bool:
        cost = min(cost, int(self.burst))  # from a full bucket any call passes
        if cost > self.level:
            return False
        self.level -= cost
        return True


@given(
    rate=st.builds(Rate, st.sampled_from([7.5, 60.0, 240.0]), st.integers(1, 50)),
    # eighths of a second and these rates are exact in binary: no model disagrees by rounding
    calls=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 10)), max_size=60),
)
def test_it_decides_as_a_bucket_does(rate: Rate, calls: list[tuple[int, int]]) -> None:
    clock, bucket = Clock(), Model(rate)
    limits, a = MemoryLimits(clock), Bucket("a", rate)
    for eighths, cost in calls:
        clock.now += eighths / 8
        bucket.wait(Fraction(eighths, 8))
        decision = limits.take_one(a, cost)
        assert decision.allowed is bucket.take(cost)
        assert decision.remaining == int(bucket.level)
        assert decision.reset == pytest.approx(float((bucket.burst - bucket.level) / bucket.speed))
        missing = max(Fraction(0), (min(cost, rate.burst) - bucket.level) / bucket.speed)
        expected = 0.0 if decision.allowed else float(missing)
        assert decision.retry_after == pytest.approx(expected)


@given(st.integers(1, 40), st.integers(1, 60))
def test_waiting_as_told_is_enough_and_less_is_not(used: int, cost: int) -> None:
    clock = Clock()
    limits, a = MemoryLimits(clock), Bucket("a", Rate(60, 40))
    limits.take_one(a, used)
    decision = limits.take_one(a, cost)
    if not decision.allowed:
        clock.now += decision.retry_after - 0.001
        assert not limits.take_one(a, cost).allowed
        clock.now += 0.001
        assert limits.take_one(a, cost).allowed


def test_keys_do_not_share_a_bucket() -> None:
    limits, rate = MemoryLimits(Clock()), Rate(60, 1)
    assert limits.take_one(Bucket("a", rate), 1).allowed
    assert limits.take_one(Bucket("b", rate), 1).allowed
    assert not limits.take_one(Bucket("a", rate), 1).allowed


def test_memory_is_bounded_and_used_up_buckets_outlive_full_ones() -> None:
    clock, rate = Clock(), Rate(60, 40)
    limits = MemoryLimits(clock, entries=100)
    for number in range(99):
        limits.take_one(Bucket(f"brief {number}", rate), 1)
    limits.take_one(Bucket("long", rate), 40)
    clock.now += 5
    for number in range(50):
        limits.take_one(Bucket(f"new {number}", rate), 1)
    assert len(limits) <= 100
    assert not limits.take_one(Bucket("long", rate), 40).allowed
    for number in range(1_000):
        limits.take_one(Bucket(f"flood {number}", rate), 1)
    assert len(limits) <= 100


def caller(tenant: str, principal: str, quotas: Quotas = NO_QUOTAS) -> Caller:
    return Caller(Principal(tenant, principal), frozenset(), None, quotas=quotas)


async def test_a_refusal_by_one_limit_takes_nothing_of_the_other() -> None:
    limits = CallerLimits(MemoryLimits(Clock()), Rate(60, 10), Rate(60, 3))
    taken, _ = await limits.take(caller("acme", "key_1"), 3)
    assert taken.remaining == 0
    for _ in range(5):
        refused, subject = await limits.take(caller("acme", "key_1"), 3)
        assert (refused.allowed, subject) == (False, "principal")
    assert (await limits.take(caller("acme", "key_2"), 3))[0].allowed
    assert (await limits.take(caller("acme", "key_3"), 3))[0].allowed
    refused, subject = await limits.take(caller("acme", "key_4"), 3)
    assert (refused.allowed, subject) == (False, "tenant")
    assert (await limits.take(caller("acme", "key_4"), 1))[0].allowed
    assert (await limits.take(caller("other", "key_5"), 3))[0].allowed


async def test_a_tenants_quotas_override_the_platforms_rates() -> None:
    limits = CallerLimits(MemoryLimits(Clock()), Rate(60, 10), Rate(60, 3))
    for principal, quotas, units in [
        ("key_1", Quotas(burst=20), 20),
        ("key_2", Quotas(burst=2), 2),
        ("key_3", Quotas(per_minute=600), 3),
    ]:
        who = caller(f"tenant of {principal}", principal, quotas)
        answers = [(await limits.take(who, 1))[0] for _ in range(units + 1)]
        assert [answer.allowed for answer in answers] == [True] * units + [False]
    assert answers[-1].retry_after == pytest.approx(0.1)


async def test_a_raised_limit_forgets_what_was_owed_under_the_old_one() -> None:
    clock = Clock()
    limits, a = MemoryLimits(clock), Bucket("a", Rate(0.001, 5))
    raised = Bucket("a", Rate(60, 10))
    assert limits.take_one(a, 5).allowed
    for decision in (limits.take_one(raised, 2), (await limits.take([raised], 2))[0]):
        assert (decision.allowed, decision.remaining) == (False, 0)
        assert decision.retry_after == pytest.approx(2)
    clock.now += 2
    assert limits.take_one(raised, 2).allowed
    assert not limits.take_one(raised, 1).allowed


async def test_other_rates_hold_from_the_next_call_on() -> None:
    limits = CallerLimits(MemoryLimits(Clock()), Rate(60, 10), Rate(60, 3))
    who, special = caller("acme", "key_1"), caller("special", "key_2", Quotas(per_minute=600))
    for one in (who, special):
        assert (await limits.take(one, 3))[0].allowed
        assert not (await limits.take(one, 3))[0].allowed
    limits.change(Rate(60, 10), Rate(60, 6))
    for one in (who, special):
        assert (await limits.take(one, 3))[0].allowed


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_lets_nothing_pass_is_no_rate(per_minute: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Rate(per_minute, burst)
