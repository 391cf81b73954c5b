"""The limiters of one machine against a bucket that is filled drop by drop."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_base.internal.identity import Principal
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.quotas import NO_QUOTAS, Quotas
from systemzero_gateway.limits import Bucket, CallerLimits, LocalLimits, MemoryLimits, Rate
from systemzero_gateway.limits.shared_memory import SharedMemoryLimits


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def in_memory(clock: Clock) -> Iterator[LocalLimits]:
    yield MemoryLimits(clock)


@contextmanager
def in_shared_memory(clock: Clock, rows: int = 16) -> Iterator[LocalLimits]:
    with tempfile.TemporaryDirectory() as folder:
        limits = SharedMemoryLimits(Path(folder, "limits"), clock, rows)
        yield limits


Opened = Callable[[Clock], AbstractContextManager[LocalLimits]]
of_both = pytest.mark.parametrize("opened", [in_memory, in_shared_memory])


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


@of_both
@given(
    rate=st.builds(Rate, st.sampled_from([7.5, 60.0, 240.0]), st.integers(1, 50)),
    # eighths of a second and these rates are exact in binary: no model disagrees by rounding
    calls=st.lists(st.tuples(st.integers(0, 400), st.integers(1, 10)), max_size=60),
)
def test_it_decides_as_a_bucket_does(
    opened: Opened, rate: Rate, calls: list[tuple[int, int]]
) -> None:
    clock, bucket, a = Clock(), Model(rate), Bucket("a", rate)
    with opened(clock) as limits:
        for eighths, cost in calls:
            clock.now += eighths / 8
            bucket.wait(Fraction(eighths, 8))
            decision = limits.take_one(a, cost)
            assert decision.allowed is bucket.take(cost)
            assert decision.remaining == int(bucket.level)
            until_full = (bucket.burst - bucket.level) / bucket.speed
            assert decision.reset == pytest.approx(float(until_full))
            missing = max(Fraction(0), (min(cost, rate.burst) - bucket.level) / bucket.speed)
            expected = 0.0 if decision.allowed else float(missing)
            assert decision.retry_after == pytest.approx(expected)


@of_both
@given(used=st.integers(1, 40), cost=st.integers(1, 60))
def test_waiting_as_told_is_enough_and_less_is_not(opened: Opened, used: int, cost: int) -> None:
    clock, a = Clock(), Bucket("a", Rate(60, 40))
    with opened(clock) as limits:
        limits.take_one(a, used)
        decision = limits.take_one(a, cost)
        if not decision.allowed:
            clock.now += decision.retry_after - 0.001
            assert not limits.take_one(a, cost).allowed
            clock.now += 0.001
            assert limits.take_one(a, cost).allowed


@of_both
@given(
    spare=st.integers(0, 9),
    calls=st.lists(st.tuples(st.booleans(), st.integers(0, 80), st.integers(1, 12)), max_size=60),
)
def test_who_is_to_leave_some_finds_the_bucket_smaller_and_counts_what_others_took(
    opened: Opened, spare: int, calls: list[tuple[bool, int, int]]
) -> None:
    rate, clock = Rate(60, 10), Clock()
    bucket = Model(rate)
    with opened(clock) as limits:
        for leaves, eighths, cost in calls:
            clock.now += eighths / 8
            bucket.wait(Fraction(eighths, 8))
            left = spare if leaves else 0
            owed = min(cost, rate.burst - left)
            passes = owed <= bucket.level - left
            decision = limits.take_one(Bucket("a", rate, left), cost)
            assert decision.allowed is passes
            missing = max(Fraction(0), owed + left - bucket.level)
            assert decision.retry_after == pytest.approx(float(missing))
            if passes:
                bucket.level -= owed
            assert decision.remaining == int(bucket.level)


@of_both
def test_keys_do_not_share_a_bucket(opened: Opened) -> None:
    rate = Rate(60, 1)
    with opened(Clock()) as limits:
        assert limits.take_one(Bucket("a", rate), 1).allowed
        assert limits.take_one(Bucket("b", rate), 1).allowed
        assert not limits.take_one(Bucket("a", rate), 1).allowed


@of_both
def test_a_look_takes_nothing(opened: Opened) -> None:
    a = Bucket("a", Rate(60, 2))
    with opened(Clock()) as limits:
        assert [limits.look(a, 1).remaining for _ in range(3)] == [1, 1, 1]
        limits.take_one(a, 2)
        assert not limits.look(a, 1).allowed


def test_a_flood_of_keys_makes_a_shared_table_no_larger_and_forgets_who_owes_least() -> None:
    clock, rate = Clock(), Rate(60, 40)
    with in_shared_memory(clock, rows=2) as limits:
        limits.take_one(Bucket("long", rate), 40)
        for number in range(2_000):
            assert limits.take_one(Bucket(f"flood {number}", rate), 1).remaining == 39
        assert not limits.look(Bucket("long", rate), 1).allowed
        clock.now += 1
        # those that are full again make room first
        for number in range(8):
            limits.take_one(Bucket(f"later {number}", rate), 2)
        assert limits.look(Bucket("later 7", rate), 1).remaining == 37
        assert not limits.look(Bucket("long", rate), 2).allowed


def test_what_one_process_took_another_sees(tmp_path: Path) -> None:
    clock, a = Clock(), Bucket("a", Rate(60, 3))
    one, other = (SharedMemoryLimits(tmp_path / "limits", clock) for _ in "12")
    assert one.take_one(a, 2).remaining == 1
    assert other.take_one(a, 1).remaining == 0
    assert not one.take_one(a, 1).allowed


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


@of_both
async def test_a_refusal_by_one_limit_takes_nothing_of_the_other(opened: Opened) -> None:
    with opened(Clock()) as store:
        limits = CallerLimits(store, Rate(60, 10), Rate(60, 3))
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


@of_both
async def test_a_raised_limit_forgets_what_was_owed_under_the_old_one(opened: Opened) -> None:
    clock = Clock()
    a, raised = Bucket("a", Rate(0.001, 5)), Bucket("a", Rate(60, 10))
    with opened(clock) as limits:
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
