"""Consent: whatever was decided, a capture of any other value is open again."""

from __future__ import annotations

import datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.drift import (
    DecisionKind,
    DecisionScope,
    EventState,
    Judgement,
    decide,
    resolve,
)
from systemzero_core.template import rebased
from systemzero_core.tree import Bounds, Tree
from tests.support.trees import Item, item, judged, template, tree

NOW = 1_000_000
LATER = NOW + 1_000

_days = st.dates(datetime.date(1990, 1, 1), datetime.date(2099, 12, 31))
VALUES = {
    "count": st.integers(0, 10**9).map(str),
    "number": st.decimals(-(10**6), 10**6, places=2).map(str),
    "money": st.decimals(0, 10**6, places=2).map(lambda amount: f"€{amount}"),
    "date": _days.map(str),
    "time": st.times().map(lambda time: f"{time:%H:%M:%S}"),
    "duration": st.integers(1, 10**6).map(lambda n: f"{n} ms"),
    "uuid": st.uuids().map(str),
    "email": st.integers(0, 10**6).map(lambda n: f"ann{n}@shop.example"),
    "url": st.integers(0, 10**6).map(lambda n: f"https://shop.example/{n}"),
    "word": st.text("abcxyz", min_size=1, max_size=8),
}
"""Values of each type that a text may hold."""


class Case(NamedTuple):
    """Values of one place: as in the baseline, as it was decided about, as it comes then."""

    before: str
    shown: str
    later: str


cases = st.sampled_from(sorted(VALUES)).flatmap(
    lambda kind: st.lists(VALUES[kind], min_size=3, max_size=3, unique=True).map(
        lambda three: Case(*three)
    )
)


def page(field: str, text: str) -> Tree:
    """A screen with a text in one of the fields of a node; an empty one has no such node."""
    node = {
        "name": item("text", f"To account {text}"),
        "value": item("textbox", "Amount", value=text),
        "attribute": item("link", "Receipt", attributes=(("url", text),)),
        "id": item("button", "Send", attributes=(("id", text),)),
        "below": item("group", "Payee", item("text", text)),
    }[field]
    rest = [item("text", f"Line {chr(97 + n)}") for n in range(9)]
    return tree(item("main", "", item("heading", "Transfer"), *([node] if text else []), *rest))


FIELDS = st.sampled_from(("name", "value", "attribute", "id", "below"))
SCOPES = st.sampled_from(list(DecisionScope))


def settled(shown: Judgement, later: Judgement, kind: DecisionKind, scope: DecisionScope) -> str:
    """The state of `later` where `shown` was decided about."""
    made = decide(
        shown,
        kind,
        scope,
        decision_id="dec_1",
        reason="wanted",
        actor="ann",
        now=NOW,
        expire_time=LATER,
        screen_id="transfer",
        app="bank",
    )
    for other in ("transfer", "another"):  # the very same edits are covered within the scope
        state = resolve(shown, [made], now=NOW + 1, screen_id=other, app="bank").state
        reaches = other == "transfer" or scope in (DecisionScope.APP, DecisionScope.TENANT)
        assert (state is EventState.OPEN) != reaches
    return resolve(later, [made], now=NOW + 1, screen_id="transfer", app="bank").state


@given(cases, FIELDS, SCOPES, st.sampled_from(list(DecisionKind)))
def test_a_decision_is_about_no_other_value(
    case: Case, field: str, scope: DecisionScope, kind: DecisionKind
) -> None:
    before, shown, later = (page(field, text) for text in case)
    baseline = template(before)
    state = settled(judged(baseline, shown), judged(baseline, later), kind, scope)
    assert state is EventState.OPEN


@given(cases, FIELDS, SCOPES)
def test_what_came_anew_is_decided_about_with_its_values(
    case: Case, field: str, scope: DecisionScope
) -> None:
    baseline = template(page(field, ""))
    shown, later = (
        judged(baseline, page(field, case.shown)),
        judged(baseline, page(field, case.later)),
    )
    assert settled(shown, later, DecisionKind.APPROVE, scope) is EventState.OPEN
    back = template(page(field, case.shown)), template(page(field, case.later))
    gone, other = (judged(one, page(field, "")) for one in back)
    assert settled(gone, other, DecisionKind.APPROVE, scope) is EventState.OPEN


@given(cases, FIELDS, SCOPES)
def test_an_approval_for_good_is_about_no_later_value(
    case: Case, field: str, scope: DecisionScope
) -> None:
    """The new baseline has the value that was shown; what differs from it is drift."""
    before, shown, later = (page(field, text) for text in case)
    newer = rebased(template(before), shown)
    assert not judged(newer, shown).edits
    first = judged(template(before), shown)
    for capture in (later, before):
        state = settled(first, judged(newer, capture), DecisionKind.APPROVE, scope)
        assert state is EventState.OPEN


@pytest.mark.parametrize("other", [Bounds(0, 41, 9, 9), Bounds(0, 900, 9, 9), Bounds(0, 40, 90, 9)])
def test_a_box_that_goes_elsewhere_is_another_change(other: Bounds) -> None:
    def boxed(bounds: Bounds) -> Tree:
        return tree(item("main", "", item("button", "Send", bounds=bounds)))

    baseline = template(boxed(Bounds(0, 0, 9, 9)))
    shown = judged(baseline, boxed(Bounds(0, 40, 9, 9)))
    later = judged(baseline, boxed(other))
    state = settled(shown, later, DecisionKind.APPROVE, DecisionScope.SCREEN)
    assert state is EventState.OPEN


@given(st.lists(cases, min_size=2, max_size=4), st.data())
def test_each_of_several_values_counts(several: list[Case], data: st.DataObject) -> None:
    def fields(texts: list[str]) -> Tree:
        nodes = [item("textbox", f"Field {chr(97 + n)}", value=t) for n, t in enumerate(texts)]
        return tree(item("main", "", item("heading", "Transfer"), *nodes))

    baseline = template(fields([case.before for case in several]))
    texts = [case.shown for case in several]
    shown = judged(baseline, fields(texts))
    at = data.draw(st.integers(0, len(several) - 1))
    texts[at] = several[at].later
    later = judged(baseline, fields(texts))
    state = settled(shown, later, DecisionKind.APPROVE, DecisionScope.SCREEN)
    assert state is EventState.OPEN


@pytest.mark.parametrize("scope", [DecisionScope.NODE, DecisionScope.SUBTREE])
@pytest.mark.parametrize(
    ("names", "depth"),
    [
        (("Test", "Production"), 3),
        (("Test", "Production"), 70),
        (("Account 12345678", "Account 66666666"), 3),
        (("Account 12345678", "Account 66666666"), 70),
    ],
)
def test_a_decision_about_one_place_is_about_no_other(
    scope: DecisionScope, names: tuple[str, str], depth: int
) -> None:
    """However deep it is, and however alike the places' names are."""

    def switch(name: str, state: str) -> Item:
        one = item("checkbox", "Delete all nightly", states=(state,))
        for level in range(depth):
            one = item("group", f"part {chr(97 + level % 26)}", one)
        return item("region", name, one)

    def page(*on: bool) -> Tree:
        states = ["checked" if each else "unchecked" for each in on]
        return tree(*map(switch, names, states))

    baseline = template(page(False, False))
    first, other = judged(baseline, page(True, False)), judged(baseline, page(False, True))
    assert first.edits[0].values_digest == other.edits[0].values_digest
    assert settled(first, other, DecisionKind.APPROVE, scope) is EventState.OPEN


def boxed(word: str, *boxes: Bounds) -> Tree:
    """A screen with buttons in boxes, which say nothing else that changes."""
    names = "Accept", "Decline", "Later"
    buttons = [item("button", n, bounds=b) for n, b in zip(names, boxes, strict=False)]
    rest = [item("text", f"Line {chr(97 + n)}") for n in range(9)]
    return tree(item("main", "", item("heading", word), *buttons, *rest))


AT = tuple(Bounds(0, 100 * n, 90, 40) for n in range(3))
BOXES = st.builds(
    Bounds, st.integers(-5_000, 5_000), st.integers(0, 300), st.integers(0, 99), st.integers(0, 99)
)


@given(st.booleans(), st.tuples(BOXES, BOXES, BOXES), st.integers(0, 2), BOXES, SCOPES)
def test_a_decision_is_about_no_other_box(
    retitled: bool,
    shown: tuple[Bounds, Bounds, Bounds],
    at: int,
    box: Bounds,
    scope: DecisionScope,
) -> None:
    """Whatever else the decision is about, and how many boxes changed together."""
    title = "Cookies and more" if retitled else "Cookies"
    later = (*shown[:at], box, *shown[at + 1 :])
    baseline = template(boxed("Cookies", *AT))
    first, second = (judged(baseline, boxed(title, *boxes)) for boxes in (shown, later))
    if not first.edits or box in (shown[at], AT[at]):
        return
    assert settled(first, second, DecisionKind.APPROVE, scope) is EventState.OPEN
