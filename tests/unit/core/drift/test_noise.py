"""The noise figure: what good captures would have raised against each other."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.drift import Verdict, at_most_per_thousand, estimate_noise, per_thousand
from systemzero_core.drift.noise import MAX_HELD_OUT
from systemzero_core.template import Noise, Policy, Rule, Selector, learn
from systemzero_core.tree import Tree
from tests.support.trees import item, judged, template, tree


def page(clock: str = "10:05", notice: str = "", total: str = "$12.00") -> Tree:
    """An order page: a clock that runs, a total, and now and then a warning with a way out."""
    more = (item("alertdialog", notice, item("button", f"Dismiss {notice}")),) if notice else ()
    return tree(
        item("heading", "Orders", attributes=(("level", "1"),)),
        item("text", f"Updated {clock}"),
        item("text", total),
        item("button", "Pay"),
        *more,
    )


def test_one_capture_can_count_nothing() -> None:
    assert estimate_noise([page()]) is None


def test_equal_captures_raise_nothing() -> None:
    assert estimate_noise([page()] * 3) == Noise(held_out=3, alarms=0, events=0)


def test_two_captures_count_what_one_would_have_raised() -> None:
    # A number alone is an event of severity info: no alarm. A clock is known from one capture.
    counts = [page(total="7 in stock"), page(total="8 in stock")]
    assert estimate_noise(counts) == Noise(2, alarms=0, events=2)
    assert estimate_noise([page("10:05"), page("10:06")]) == Noise(2, alarms=0, events=0)


def test_a_third_capture_settles_what_varies() -> None:
    clocks = [page("10:05"), page("10:06"), page("10:07")]
    assert estimate_noise(clocks) == Noise(3, alarms=0, events=0)


def test_what_only_one_capture_shows_is_an_alarm_once() -> None:
    captures = [page("10:05"), page("10:06"), page("10:07", notice="Stock is low"), page("10:08")]
    # The others do not know the dialog; those that lack it were taught that it comes and goes.
    assert estimate_noise(captures) == Noise(4, alarms=1, events=1)


def test_what_a_person_lets_pass_is_no_noise() -> None:
    captures = [page(total="$12.00"), page(total="$14.50")]
    assert estimate_noise(captures) == Noise(2, alarms=0, events=2)
    policy = Policy(rules=(Rule(Selector(role="text"), name="{money}"),))
    assert estimate_noise(captures, policy) == Noise(2, alarms=0, events=0)


def test_of_many_captures_some_are_left_out_evenly() -> None:
    captures = [page(f"10:{minute:02}") for minute in range(50)]
    assert estimate_noise(captures) == Noise(MAX_HELD_OUT, alarms=0, events=0)


def test_it_is_what_judging_each_by_the_others_gives() -> None:
    captures = [page("10:05"), page("10:06", notice="Stock is low"), page("10:07")]
    events = 0
    for at, capture in enumerate(captures):
        learned = learn([c for i, c in enumerate(captures) if i != at])
        one = template(learned.tree, *learned.policy.rules)
        events += judged(one, capture).verdict is Verdict.DRIFT
    noise = estimate_noise(captures)
    assert noise is not None
    assert noise.events == events == 1


def test_figures_per_thousand() -> None:
    assert per_thousand(1, 4) == 250.0
    # Known values: 1 - 0.05 ** (1 / n) for no alarm.
    assert at_most_per_thousand(0, 2) == pytest.approx(776.4)
    assert at_most_per_thousand(0, 20) == pytest.approx(139.1)
    assert at_most_per_thousand(1, 10) == pytest.approx(394.2, abs=0.1)
    assert at_most_per_thousand(3, 3) == 1_000.0


@given(st.integers(2, MAX_HELD_OUT), st.data())
def test_the_upper_limit_is_above_the_figure_and_grows_with_the_count(
    held_out: int, data: st.DataObject
) -> None:
    count = data.draw(st.integers(0, held_out - 1))
    limit = at_most_per_thousand(count, held_out)
    assert per_thousand(count, held_out) < limit < at_most_per_thousand(count + 1, held_out)
