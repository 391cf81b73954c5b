"""What was decided about together holds together; findings are known where they were shown."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from systemzero_core.diff import EditKind
from systemzero_core.drift import DecisionKind, DecisionScope, EventState, Severity
from systemzero_core.template import Rule, Selector
from systemzero_core.tree import Tree
from tests.support.trees import Item, item, judged, template
from tests.unit.core.drift.test_exact import (
    NOW,
    QUIET,
    SCOPES,
    SCREENS,
    agreed,
    found,
    screen,
    settled,
    sign,
)


def consent(fee: str, *buttons: Item) -> Tree:
    return screen(item("text", fee), *buttons)


DECLINE, REJECT = item("button", "Decline"), item("link", "Reject all cookies")


@pytest.mark.parametrize("kind", QUIET)
@pytest.mark.parametrize("scope", SCOPES)
def test_half_of_what_was_agreed_to_is_another_screen(
    kind: DecisionKind, scope: DecisionScope
) -> None:
    """A way out that was exchanged for another one; then there is none."""
    one = template(consent("Fee 5", DECLINE))
    shown = judged(one, consent("Fee 5", REJECT))
    assert {each.edit.kind for each in shown.edits} == {EditKind.DELETE, EditKind.INSERT}
    made = agreed(shown, kind, scope)
    assert settled(shown, made).state is EventState.SUPPRESSED
    for later in (consent("Fee 5"), consent("Fee 5", DECLINE, REJECT)):
        left = settled(judged(one, later), made)
        assert left.state is EventState.OPEN
        assert left.open_edits


def test_what_went_elsewhere_opens_nothing_but_itself() -> None:
    """Each place that was decided about differs still: a clock beside what was agreed to."""
    one = template(consent("At 10:05", DECLINE))
    made = agreed(judged(one, consent("At 10:06", item("button", "Decline all"))))
    left = settled(judged(one, consent("At 10:07", item("button", "Decline all"))), made)
    assert [each.edit.sentence for each in left.open_edits] == [
        "text “At 10:05” changed to “At 10:07”"
    ]


def test_what_is_left_of_a_decision_can_be_decided_about() -> None:
    one = template(consent("Fee 5", DECLINE))
    both, half = judged(one, consent("Fee 9", REJECT)), judged(one, consent("Fee 9", DECLINE))
    first = agreed(both)
    assert settled(half, first).state is EventState.OPEN
    second = agreed(half, at=NOW + 1)
    for order in ((first, second), (second, first)):
        assert settled(half, *order).state is EventState.SUPPRESSED
        assert settled(both, *order).state is EventState.SUPPRESSED


def test_on_another_screen_a_decision_covers_what_it_has_of_it() -> None:
    """Other screens never show all that one of them did."""
    made = agreed(
        judged(template(consent("Fee 5", DECLINE)), consent("Fee 9", DECLINE, item("text", "New"))),
        scope=DecisionScope.TENANT,
        screen="other",
    )
    left = settled(judged(template(consent("Fee 5")), consent("Fee 9")), made)
    assert left.state is EventState.SUPPRESSED


def test_a_finding_that_was_shown_beside_one_edit_is_not_known_beside_another() -> None:
    """Two decisions; the one about the fee never told of what is found there."""
    before, both = consent("Fee 5", item("text", "a")), consent("Fee 9", item("text", "b"))
    fee, other = consent("Fee 9", item("text", "a")), consent("Fee 5", item("text", "b"))
    at = judged(template(before), fee).edits[0].edit
    about = sign(Severity.CRITICAL, "dear", node=at.node, target=at.target)
    decisions = agreed(found(before, fee)), agreed(found(before, other, about), at=NOW + 1)
    assert settled(found(before, both), *decisions).state is EventState.SUPPRESSED
    joint = found(before, both, about)
    left = settled(joint, *decisions)
    assert left.state is EventState.OPEN
    assert [each.edit.sentence for each in left.open_edits] == [at.sentence]
    assert left.severity is Severity.CRITICAL


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(SCREENS, SCREENS, SCREENS, st.sampled_from(SCOPES), st.data())
def test_of_joint_decisions_each_holds_whole_or_not_at_all(
    before: Tree, one: Tree, other: Tree, scope: DecisionScope, data: st.DataObject
) -> None:
    """What is quiet has, at every place that was shown, a change: nothing went back by itself."""
    base = template(before)
    first, second = judged(base, one), judged(base, other)
    assume(first.edits and second.edits)
    made = [agreed(first, scope=scope), agreed(second, scope=scope, at=NOW + 1)]
    later = judged(base, data.draw(SCREENS))
    left = settled(later, *made)
    now = {each.place.exact for each in later.edits}
    whole = [
        {e.shown for e in each.edits}
        for each in (first, second)
        if {e.place.exact for e in each.edits} <= now
    ]
    covered = set().union(*whole)
    for each in later.edits:
        if each not in left.open_edits:
            assert each.shown in covered
    for shown in (first, second):
        assert settled(shown, *made).state is EventState.SUPPRESSED


PAYEES = (
    "Payee 550e8400-e29b-41d4-a716-446655440000",
    "Payee 7d444840-9dc0-11d1-b245-5ffdce74fad2",
)


@pytest.mark.parametrize(
    "fields",
    [
        {"value": "7"},
        {"states": ("hidden",)},
        {"attributes": (("url", "https://evil.example"),)},
        {"role": "button"},
    ],
)
@pytest.mark.parametrize("beside", [("q",), ("q", "r")])
def test_a_pattern_for_the_name_lets_nothing_else_pass(
    beside: tuple[str, ...], fields: dict[str, object]
) -> None:
    """Where a diff sees no change of one node, as texts and places differ, but two nodes."""
    rest = [item("text", name) for name in beside]
    at = {"role": "link", "attributes": (("url", "https://shop.example"),)}

    def payee(name: str, **other: object) -> Item:
        said = {**at, **other}
        return item(str(said.pop("role")), name, **said)

    rule = Rule(Selector(role="link", name="Payee {uuid}"), name="Payee {uuid}")
    base = screen(item("list", "L", payee(PAYEES[0]), *rest))
    one = template(base, rule)
    assert not judged(one, screen(item("list", "L", payee(PAYEES[1]), *rest))).edits
    for parts in ((payee(PAYEES[1], **fields), *rest), (*rest, payee(PAYEES[1], **fields))):
        assert judged(one, screen(item("list", "L", *parts))).edits


def test_a_pattern_for_the_name_lets_no_other_place_pass() -> None:
    rule = Rule(Selector(role="link", name="Payee {uuid}"), name="Payee {uuid}")
    old, new = (item("link", name) for name in PAYEES)
    rest = [item("text", name) for name in "qr"]
    one = template(screen(item("list", "L", old, *rest)), rule)
    for parts in ([*rest, new], [rest[0], new, rest[1]], [item("group", "g", new), *rest]):
        assert judged(one, screen(item("list", "L", *parts))).edits
