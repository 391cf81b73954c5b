"""The circuit breaker and the retry budget, by a clock that stands still unless it is moved."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_gateway.breaker import Breaker, BreakerSettings, State
from systemzero_gateway.retry import RetryBudget

SETTINGS = BreakerSettings(failures=3, patience=10, pause=1, longest_pause=4)


class World:
    def __init__(self) -> None:
        self.now = 100.0
        self.told: list[State] = []
        self.breaker = Breaker(SETTINGS, lambda: self.now, self.told.append)

    def state(self) -> State:
        return self.breaker.state

    def fail(self, times: int = 3) -> None:
        for _ in range(times):
            self.breaker.lost(self.now)


@pytest.fixture
def world() -> World:
    return World()


def test_failures_in_a_row_open_it_and_an_answer_ends_the_row(world: World) -> None:
    world.fail(2)
    world.breaker.answered()
    world.fail(2)
    assert world.state() is State.CLOSED
    world.fail(1)
    assert world.state() is State.OPEN


def test_calls_that_are_lost_together_are_one_failure(world: World) -> None:
    sent = world.now
    world.now += 1
    for _ in range(100):
        world.breaker.lost(sent)  # all were under way when the first of them was lost
    world.fail(1)
    assert world.state() is State.CLOSED
    world.fail(1)
    assert world.state() is State.OPEN


def test_a_short_deadline_is_no_failure_and_a_long_silence_is_one(world: World) -> None:
    for _ in range(100):
        world.breaker.unanswered(9.9)
    assert world.state() is State.CLOSED
    for _ in range(3):
        world.breaker.unanswered(10)
    assert world.state() is State.OPEN


def test_one_probe_goes_out_at_a_time_and_its_answer_closes(world: World) -> None:
    world.fail()
    assert not world.breaker.begin_probe()
    world.now += 1
    assert world.breaker.begin_probe()
    assert world.state() is State.HALF_OPEN
    assert not world.breaker.begin_probe()
    world.breaker.end_probe(answered=True)
    assert world.told == [State.OPEN, State.HALF_OPEN, State.CLOSED]


def test_a_failed_probe_is_followed_by_another_after_the_pause(world: World) -> None:
    world.fail()
    for _ in range(3):
        world.now += 1
        assert world.breaker.begin_probe()
        world.breaker.end_probe(answered=False)
        assert world.state() is State.OPEN
        assert not world.breaker.begin_probe()


def test_where_probes_are_answered_and_calls_fail_the_pause_grows(world: World) -> None:
    pauses = []
    for _ in range(4):
        world.fail()
        opened = world.now
        while not world.breaker.begin_probe():
            world.now += 0.5
        pauses.append(world.now - opened)
        world.breaker.end_probe(answered=True)
    assert pauses == [1, 2, 4, 4]
    world.breaker.answered()
    world.fail()
    world.now += 1
    assert world.breaker.begin_probe()


def test_failed_health_checks_alone_open_it(world: World) -> None:
    for _ in range(3):
        assert world.breaker.begin_probe()
        world.breaker.end_probe(answered=False)
    assert world.state() is State.OPEN


ACTS: list[Callable[[World], object]] = [
    lambda world: world.breaker.answered(),
    lambda world: world.breaker.lost(world.now),
    lambda world: world.breaker.lost(world.now - 1),
    lambda world: world.breaker.unanswered(20),
    lambda world: setattr(world, "now", world.now + 1),
]


@given(st.lists(st.sampled_from([*ACTS, None])), st.booleans())
def test_whatever_happened_a_probe_that_is_answered_brings_calls_back(
    acts: list[Callable[[World], object] | None], answered: bool
) -> None:
    world = World()
    for act in acts:
        if act is not None:
            act(world)
        elif world.breaker.begin_probe():
            world.breaker.end_probe(answered)
    world.now += SETTINGS.longest_pause
    if world.breaker.begin_probe():
        world.breaker.end_probe(answered=True)
    assert world.state() is State.CLOSED


def test_a_burst_is_retried_and_what_always_fails_is_not() -> None:
    budget = RetryBudget(20)
    assert [budget.spend() for _ in range(20)].count(True) == 9
    for _ in range(1_000):
        budget.earn()
    assert budget.spend()
    retried = 0
    for _ in range(1_000):
        retried += budget.spend()
        budget.earn()
    assert retried < 1_000 / 10


def test_what_was_wasted_is_not_owed() -> None:
    budget = RetryBudget(20)
    for _ in range(1_000):
        budget.spend()
    for _ in range(121):
        budget.earn()
    assert budget.spend()
