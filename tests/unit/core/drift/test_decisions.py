from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.drift import (
    Decision,
    DecisionKind,
    DecisionScope,
    EventState,
    Judgement,
    Resolution,
    Severity,
    decide,
    resolve,
    unapproved,
)
from systemzero_core.errors import InvalidInput
from systemzero_core.template import rebased
from systemzero_core.tree import Bounds, Tree
from tests.support.trees import item, judged, template, tree

HOUR = 3_600_000_000
NOW = 1_000 * HOUR


def page(*names: str, heading: str = "Orders", text: str = "Pear", y: int = 0) -> Tree:
    return tree(
        item("navigation", "", *(item("link", name) for name in names)),
        item(
            "main",
            "",
            item("heading", heading),
            item("text", text),
            *(item("text", f"Line {chr(97 + i)}") for i in range(20)),
            item("button", "Pay", bounds=Bounds(0, y, 9, 9)),
        ),
    )


BASE = page("Home")
ADDED = judged(template(BASE), page("Home", "Jobs"))


def word(
    kind: DecisionKind,
    scope: DecisionScope = DecisionScope.SCREEN,
    judgement: Judgement = ADDED,
    **fields: Any,
) -> Decision:
    given_fields = {
        "decision_id": "dec_1",
        "screen_id": "orders",
        "app": "shop",
        "reason": "new menu",
        "actor": "ann",
        "now": NOW,
    }
    return decide(judgement, kind, scope, **{**given_fields, **fields})


def settled(judgement: Judgement, *decisions: Decision, now: int = NOW, **where: Any) -> Resolution:
    place = {"screen_id": "orders", "app": "shop", **where}
    return resolve(judgement, decisions, now=now, **place)


def test_nobody_decided() -> None:
    resolution = settled(ADDED)
    assert resolution.state is EventState.OPEN
    assert resolution.open_edits == ADDED.edits
    assert resolution.severity is ADDED.severity


def test_an_approved_change_is_never_asked_for_again() -> None:
    approval = word(DecisionKind.APPROVE)
    resolution = settled(ADDED, approval)
    assert resolution.state is EventState.SUPPRESSED
    assert resolution.severity is Severity.INFO
    assert resolution.decisions == ("dec_1",)
    again = judged(template(page("Help", "Home")), page("Help", "Home", "Jobs"))
    assert settled(again, approval, now=NOW + 999 * HOUR).state is EventState.SUPPRESSED


def test_another_change_beside_an_approved_one_is_open_alone() -> None:
    both = judged(template(BASE), page("Home", "Jobs", text="Plum"))
    resolution = settled(both, word(DecisionKind.APPROVE))
    assert resolution.state is EventState.OPEN
    assert [e.edit.changes[0].field for e in resolution.open_edits] == ["name"]


def test_severity_is_of_what_is_open() -> None:
    gone = judged(template(BASE), tree(item("navigation", "", item("link", "Home"))))
    assert gone.severity is Severity.CRITICAL
    moved_on = tree(item("navigation", "", item("link", "Home"), item("link", "Jobs")))
    both = judged(template(BASE), moved_on)
    resolution = settled(both, word(DecisionKind.APPROVE, judgement=gone))
    assert resolution.state is EventState.OPEN
    assert resolution.severity is Severity.INFO


@pytest.mark.parametrize(
    ("scope", "where", "state"),
    [
        (DecisionScope.SCREEN, {}, EventState.SUPPRESSED),
        (DecisionScope.SCREEN, {"screen_id": "cart"}, EventState.OPEN),
        (DecisionScope.APP, {"screen_id": "cart"}, EventState.SUPPRESSED),
        (DecisionScope.APP, {"screen_id": "cart", "app": "bank"}, EventState.OPEN),
        (DecisionScope.TENANT, {"screen_id": "cart", "app": "bank"}, EventState.SUPPRESSED),
        (DecisionScope.NODE, {"screen_id": "cart"}, EventState.OPEN),
        (DecisionScope.SUBTREE, {"screen_id": "cart"}, EventState.OPEN),
    ],
)
def test_a_decision_reaches_as_far_as_its_scope(
    scope: DecisionScope, where: dict[str, Any], state: EventState
) -> None:
    assert settled(ADDED, word(DecisionKind.APPROVE, scope), **where).state is state


def test_places_are_told_by_their_paths() -> None:
    def links(*sections: str) -> Tree:
        inner = [
            item("region", f"Part {chr(97 + i)}", item("link", s)) for i, s in enumerate(sections)
        ]
        return tree(*inner)

    here = judged(template(links("One", "One")), links("Two", "One"))
    there = judged(template(links("One", "One")), links("One", "Two"))
    assert here.edits[0].fingerprint == there.edits[0].fingerprint
    for scope in DecisionScope:
        approval = word(DecisionKind.APPROVE, scope, here)
        assert settled(here, approval).state is EventState.SUPPRESSED
        assert settled(there, approval).state is EventState.OPEN


def test_a_rejected_change_that_returns_is_more_severe() -> None:
    resolution = settled(ADDED, word(DecisionKind.REJECT))
    assert resolution.state is EventState.RAISED
    assert resolution.severity is ADDED.severity.raised()
    assert resolution.open_edits == ADDED.edits
    assert Severity.CRITICAL.raised() is Severity.CRITICAL


def test_a_snooze_reopens_by_itself() -> None:
    snooze = word(DecisionKind.SNOOZE, expire_time=NOW + HOUR)
    quiet = settled(ADDED, snooze, now=NOW + HOUR - 1)
    assert quiet.state is EventState.SUPPRESSED
    assert quiet.reopen_time == NOW + HOUR
    awake = settled(ADDED, snooze, now=NOW + HOUR)
    assert awake.state is EventState.OPEN
    assert awake.reopen_time is None


def test_the_latest_decision_holds() -> None:
    approval = word(DecisionKind.APPROVE, decision_id="dec_a")
    rejection = word(DecisionKind.REJECT, decision_id="dec_b", now=NOW + 1)
    for order in ((approval, rejection), (rejection, approval)):
        assert settled(ADDED, *order, now=NOW + 2).state is EventState.RAISED
    later = word(DecisionKind.APPROVE, decision_id="dec_c", now=NOW + 2, expire_time=NOW + HOUR)
    assert settled(ADDED, approval, rejection, later, now=NOW + 3).state is EventState.SUPPRESSED
    # The approval ran out: what was said before it holds again.
    assert settled(ADDED, rejection, later, now=NOW + HOUR).state is EventState.RAISED


def test_boxes_are_open_unless_they_were_decided_about() -> None:
    shifted = judged(template(BASE), page("Home", "Jobs", y=300))
    assert len(shifted.edits) == 2
    assert len(settled(shifted).open_edits) == 2
    assert settled(shifted, word(DecisionKind.APPROVE, judgement=shifted)).open_edits == ()
    alone = judged(template(BASE), page("Home", y=300))
    assert settled(alone, word(DecisionKind.APPROVE)).state is EventState.OPEN


@pytest.mark.parametrize("kind", [DecisionKind.APPROVE, DecisionKind.SNOOZE])
@pytest.mark.parametrize("y", [300, -5_000])
def test_a_box_does_not_hide_behind_what_was_decided_about(kind: DecisionKind, y: int) -> None:
    later = judged(template(BASE), page("Home", "Jobs", y=y))
    resolution = settled(later, word(kind, expire_time=NOW + HOUR), now=NOW + 1)
    assert resolution.state is EventState.OPEN
    assert [e.edit.changes[0].field for e in resolution.open_edits] == ["bounds"]


def test_boxes_come_after_all_that_they_may_follow_from() -> None:
    def shown(y: int, *more: str) -> Tree:
        button = item("button", "Pay", bounds=Bounds(0, y, 9, 9))
        return tree(item("main", "", button), *(item("text", name) for name in more))

    later = judged(template(shown(0)), shown(300, "Pears", "Plums"))
    kinds = [edit.edit.kind for edit in settled(later).open_edits]
    assert kinds == ["insert", "insert", "update"]


def test_an_approval_for_good_of_something_else_takes_in_no_box() -> None:
    both = judged(template(BASE), page("Home", "Jobs", y=300))
    where: dict[str, Any] = {"now": NOW, "screen_id": "orders", "app": "shop"}
    left = unapproved(both, {ADDED.edits[0].shown}, [], **where)
    assert [e.edit.changes[0].field for e in left] == ["bounds"]
    assert not unapproved(both, {e.shown for e in both.edits}, [], **where)


def test_events_of_other_boxes_are_not_alike() -> None:
    plain, near, far = (
        settled(judged(template(BASE), page("Home", "Jobs", y=y))) for y in (0, 300, -5_000)
    )
    assert len({each.fingerprint for each in (plain, near, far)}) == 1
    assert len({each.values_digest for each in (plain, near, far)}) == 3


def test_approving_for_good_leaves_nothing_to_decide() -> None:
    capture = page("Home", "Jobs")
    newer = rebased(template(BASE), capture, "cap_9")
    assert not judged(newer, capture).edits


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (DecisionKind.APPROVE, {"reason": " "}),
        (DecisionKind.APPROVE, {"reason": "x" * 1001}),
        (DecisionKind.SNOOZE, {}),
        (DecisionKind.SNOOZE, {"expire_time": NOW}),
        (DecisionKind.APPROVE, {"judgement": judged(template(BASE), BASE)}),
    ],
)
def test_a_decision_needs_its_parts(kind: DecisionKind, fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        word(kind, **fields)


@given(st.permutations(range(4)), st.integers(NOW, NOW + 9))
def test_the_order_of_decisions_does_not_matter(order: list[int], now: int) -> None:
    decisions = [
        word(DecisionKind.APPROVE, decision_id="a"),
        word(DecisionKind.REJECT, decision_id="b", now=NOW + 1),
        word(DecisionKind.SNOOZE, decision_id="c", now=NOW + 1, expire_time=NOW + 5),
        word(DecisionKind.APPROVE, DecisionScope.TENANT, decision_id="d"),
    ]
    shuffled = [decisions[i] for i in order]
    assert settled(ADDED, *shuffled, now=now) == settled(ADDED, *decisions, now=now)
