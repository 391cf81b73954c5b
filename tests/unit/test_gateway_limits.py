"""The limiter against a bucket that is filled drop by drop."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_gateway.limits import CallerLimits, Limiter, Rate


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


class Bucket:
    """The naive model: a level that rises with time up to the burst, in exact arithmetic."""

    def __init__(self, rate: Rate) -> None:
        self.speed = Fraction(rate.per_minute) / 60
        self.burst = Fraction(rate.burst)
        self.level = self.burst

    def wait(self, seconds: Fraction) -> None:
        self.level = min(self.burst, self.level + seconds * self.speed)

    def take(self, cost: int) -> bool:
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
    clock, bucket = Clock(), Bucket(rate)
    limiter = Limiter(rate, clock)
    for eighths, cost in calls:
        clock.now += eighths / 8
        bucket.wait(Fraction(eighths, 8))
        decision = limiter.take("a", cost)
        assert decision.allowed is bucket.take(cost)
        assert decision.remaining == int(bucket.level)
        assert decision.reset == pytest.approx(float((bucket.burst - bucket.level) / bucket.speed))
        missing = max(Fraction(0), (cost - bucket.level) / bucket.speed)
        expected = 0.0 if decision.allowed else float(missing)
        assert decision.retry_after == pytest.approx(expected)


@given(st.integers(1, 40), st.integers(1, 40))
def test_waiting_as_told_is_enough_and_less_is_not(used: int, cost: int) -> None:
    clock = Clock()
    limiter = Limiter(Rate(60, 40), clock)
    limiter.take("a", used)
    decision = limiter.take("a", cost)
    if not decision.allowed:
        clock.now += decision.retry_after - 0.001
        assert not limiter.take("a", cost).allowed
        clock.now += 0.001
        assert limiter.take("a", cost).allowed


def test_keys_do_not_share_a_bucket() -> None:
    limiter = Limiter(Rate(60, 1), Clock())
    assert limiter.take("a", 1).allowed
    assert limiter.take("b", 1).allowed
    assert not limiter.take("a", 1).allowed


def test_memory_is_bounded_and_used_up_buckets_outlive_full_ones() -> None:
    clock = Clock()
    limiter = Limiter(Rate(60, 40), clock, entries=100)
    for number in range(99):
        limiter.take(f"brief {number}", 1)
    limiter.take("long", 40)
    clock.now += 5
    for number in range(50):
        limiter.take(f"new {number}", 1)
    assert len(limiter) <= 100
    assert not limiter.take("long", 40).allowed
    for number in range(1_000):
        limiter.take(f"flood {number}", 1)
    assert len(limiter) <= 100


def test_a_refusal_by_one_limit_takes_nothing_of_the_other() -> None:
    clock = Clock()
    tenants, principals = Limiter(Rate(60, 10), clock), Limiter(Rate(60, 3), clock)
    limits = CallerLimits(tenants, principals)
    assert limits.take("acme", "key_1", 3)[0].remaining == 0
    refused, subject = limits.take("acme", "key_1", 3)
    assert (refused.allowed, subject) == (False, "principal")
    assert tenants.look("acme", 1)[0].remaining == 6
    assert limits.take("acme", "key_2", 3)[0].allowed
    assert limits.take("acme", "key_3", 3)[0].allowed
    refused, subject = limits.take("acme", "key_4", 3)
    assert (refused.allowed, subject) == (False, "tenant")


@pytest.mark.parametrize(("per_minute", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_rate_that_lets_nothing_pass_is_no_rate(per_minute: float, burst: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        Rate(per_minute, burst)
