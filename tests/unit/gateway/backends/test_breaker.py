"""The circuit breaker, by probes that a test ends as it likes, and the retry budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_gateway.backends.breaker import Breaker, State
from systemzero_gateway.backends.retry import RetryBudget

FAILURES = 3


class World:
    def __init__(self) -> None:
        self.told: list[State] = []
        self.breaker = Breaker(FAILURES, self.told.append)

    def probe(self, *answers: bool) -> State:
        for answered in answers:
            self.breaker.begin_probe()
            self.breaker.end_probe(answered)
        return self.breaker.state


@pytest.fixture
def world() -> World:
    return World()


def test_failed_checks_in_a_row_open_it_and_an_answer_ends_the_row(world: World) -> None:
    assert world.probe(False, False, True, False, False) is State.CLOSED
    assert world.probe(False) is State.OPEN
    assert world.told == [State.OPEN]


def test_a_probe_of_an_open_one_is_told_and_its_answer_closes(world: World) -> None:
    world.probe(False, False, False)
    world.breaker.begin_probe()
    assert world.told == [State.OPEN, State.HALF_OPEN]
    world.breaker.end_probe(answered=False)
    assert world.probe(True) is State.CLOSED
    assert world.told == [
        *(State.OPEN, State.HALF_OPEN, State.OPEN),
        *(State.HALF_OPEN, State.CLOSED),
    ]


def test_after_it_closed_a_row_begins_anew(world: World) -> None:
    world.probe(False, False, False, True)
    assert world.probe(False, False) is State.CLOSED


@given(st.lists(st.booleans()))
def test_whatever_happened_a_probe_that_is_answered_brings_calls_back(answers: list[bool]) -> None:
    assert World().probe(*answers, True) is State.CLOSED


@given(st.lists(st.booleans()))
def test_it_is_open_exactly_after_so_many_failures_since_the_last_answer(
    answers: list[bool],
) -> None:
    answered_last = next((i for i, each in enumerate(reversed(answers)) if each), len(answers))
    is_open = World().probe(*answers) is State.OPEN
    assert is_open is (answered_last >= FAILURES)


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
