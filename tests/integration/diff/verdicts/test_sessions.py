"""The paths of sessions over the Check call: what of them is remarkable, and what they cost."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from systemzero.diff.v1 import verdict_pb2
from systemzero_core.drift.detectors.sequence import MAX_VISITS
from systemzero_core.tree import Tree
from tests.support.checks import DRIFT, UNKNOWN_SCREEN, check, put
from tests.support.metrics import sample
from tests.support.services import House, diff_house
from tests.support.stores import DAY
from tests.support.trees import item, tree

TRANSITIONS = {
    "home": ("cart", "help"),
    "cart": ("home", "pay"),
    "help": (),
    "pay": ("done",),
    "done": ("done",),
    "step one": ("step two",),
    "step two": ("step three",),
    "step three": ("step four",),
    "step four": ("home",),
}


def page(name: str, *more: str) -> Tree:
    """A screen that shares nothing with those of other names."""
    word = name.title().replace(" ", "")
    return tree(
        item("heading", f"{word} heading", attributes=(("level", "1"),)),
        item("button", f"{word} button"),
        item("textbox", f"{word} field"),
        *(item("text", text) for text in more),
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with diff_house(tmp_path, session_days=1, checkpoint_interval=3600) as served:
        for name, following in TRANSITIONS.items():
            await put(served, name, page(name), valid_transitions=following)
        yield served


async def walk(house: House, session: str, *names: str) -> list[list[str]]:
    """The sequence detector's codes at each step of a path."""
    codes = []
    for name in names:
        known = name in TRANSITIONS
        hint = name if known else ""
        seen = page(name) if known else tree(item("dialog", name, item("paragraph", "Hello")))
        verdict = await check(house, seen, hint, session_id=session)
        assert known or verdict.kind == UNKNOWN_SCREEN
        codes.append([f.code for f in verdict.findings if f.detector == "sequence"])
    return codes


def writes() -> float:
    """Write jobs so far; counts of verdicts are not written while a test runs."""
    return sample("systemzero_database_jobs_total", database="diff")


async def test_a_valid_path_is_not_remarkable(house: House) -> None:
    assert await walk(house, "a", "home", "cart", "home", "cart", "pay") == [[]] * 5


async def test_a_transition_that_no_template_allows(house: House) -> None:
    assert await walk(house, "a", "home", "pay") == [[], ["invalid_transition"]]


async def test_an_unknown_screen(house: House) -> None:
    assert await walk(house, "a", "home", "xyzzy") == [[], ["unknown_screen"]]


async def test_a_dead_end(house: House) -> None:
    assert await walk(house, "a", "pay", "done") == [[], ["dead_end"]]


async def test_a_forced_flow_is_told_at_its_fourth_screen(house: House) -> None:
    path = [f"step {number}" for number in ("one", "two", "three", "four")]
    assert await walk(house, "a", *path, "home") == [[], [], [], ["forced_flow"], []]


async def test_a_loop_is_told_once_however_long_it_goes_on(house: House) -> None:
    codes = await walk(house, "a", *["home", "cart"] * (MAX_VISITS + 3))
    assert [at for at, found in enumerate(codes) if found] == [5]
    assert codes[5] == ["loop"]


async def test_a_screen_that_is_captured_again_is_one_visit(house: House) -> None:
    await walk(house, "a", "home", *["cart"] * (3 * MAX_VISITS))
    assert await walk(house, "a", "done") == [["invalid_transition", "dead_end"]]
    assert await walk(house, "a", "done") == [[]]


async def test_what_moves_no_session_writes_nothing(house: House) -> None:
    await walk(house, "a", "home")
    before = writes()
    await walk(house, "a", *["home"] * 5)
    await walk(house, "", "cart", "home", "cart")
    assert writes() == before
    await walk(house, "a", "cart")
    assert writes() == before + 1


async def test_sessions_do_not_mix(house: House) -> None:
    await walk(house, "a", "home")
    assert await walk(house, "b", "pay") == [[]]
    assert await walk(house, "a", "pay") == [["invalid_transition"]]
    assert await walk(house, "", "home", "pay") == [[], []]


async def test_drift_on_a_wrong_path_is_an_event_with_the_finding(house: House) -> None:
    await walk(house, "a", "home")
    verdict = await check(house, page("pay", "Now with a text"), "pay", session_id="a")
    assert verdict.kind == DRIFT
    assert verdict.severity == verdict_pb2.SEVERITY_WARNING
    assert next(f.code for f in verdict.findings) == "invalid_transition"


async def test_a_path_is_remembered_for_a_day_at_least_and_two_at_most(house: House) -> None:
    await walk(house, "a", "home")
    await walk(house, "b", "home")
    house.clock.now += DAY - 1
    assert await walk(house, "a", "pay") == [["invalid_transition"]]
    house.clock.now += DAY + 2
    assert await walk(house, "b", "pay") == [[]]


async def test_a_session_that_stays_on_a_screen_for_days_is_not_forgotten(house: House) -> None:
    await walk(house, "a", "home")
    for _ in range(20):
        house.clock.now += DAY - 1
        assert await walk(house, "a", "home") == [[]]
    assert await walk(house, "a", "pay") == [["invalid_transition"]]


async def test_a_step_that_was_recorded_before_it_could_be_answered_is_no_other_one(
    house: House,
) -> None:
    await walk(house, "a", "home")
    drifted = page("pay", "Now with a text")
    first = await check(house, drifted, "pay", session_id="a", request_id="req_1")
    again = await check(house, drifted, "pay", session_id="a", request_id="req_1")
    assert again == first
    assert [f.code for f in first.findings if f.detector == "sequence"] == ["invalid_transition"]
    assert await walk(house, "a", "done") == [["dead_end"]]
