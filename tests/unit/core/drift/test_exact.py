"""Consent is exact: how often, where, in which order, beside which findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from systemzero_core.diff import diff
from systemzero_core.drift import (
    Context,
    Decision,
    DecisionKind,
    DecisionScope,
    EventState,
    Finding,
    Judgement,
    Resolution,
    Severity,
    decide,
    judge,
    resolve,
)
from systemzero_core.template import Rows, Rule, Selector
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.trees import Item, item, judged, template, tree

NOW = 1_000_000
SCOPES = list(DecisionScope)
QUIET = [DecisionKind.APPROVE, DecisionKind.SNOOZE]
WHERE: dict[str, Any] = {"screen_id": "pay", "app": "shop"}


def agreed(
    shown: Judgement,
    kind: DecisionKind = DecisionKind.APPROVE,
    scope: DecisionScope = DecisionScope.SCREEN,
    *,
    screen: str = "pay",
    at: int = NOW,
) -> Decision:
    """A decision about all that `shown` shows."""
    return decide(
        shown,
        kind,
        scope,
        decision_id=f"dec_{at}",
        reason="wanted",
        actor="ann",
        now=at,
        expire_time=at + 1_000 if kind is DecisionKind.SNOOZE else None,
        screen_id=screen,
        app="shop",
    )


def settled(later: Judgement, *decisions: Decision) -> Resolution:
    return resolve(later, decisions, now=NOW + 100, **WHERE)


def opens(baseline: Tree, shown: Tree, later: Tree, **how: Any) -> bool:
    """Whether `later` is open where `shown` was decided about; `shown` itself never is."""
    one = template(baseline)
    first, second = judged(one, shown), judged(one, later)
    made = agreed(first, **how)
    assert settled(judged(one, shown), made).state is EventState.SUPPRESSED
    return settled(second, made).state is not EventState.SUPPRESSED


def screen(*parts: Item) -> Tree:
    rest = [item("text", f"Line {chr(97 + n)}") for n in range(6)]
    return tree(item("heading", "Shop"), *rest, *parts)


def form(name: str, *buttons: str) -> Item:
    return item("form", name, *(item("button", button) for button in buttons))


@pytest.mark.parametrize("kind", QUIET)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    "later",
    [
        screen(form("One", "Back", "Pay", "Pay"), form("Two", "Back")),
        screen(form("One", "Back", *["Pay"] * 5), form("Two", *["Pay"] * 4, "Back")),
        screen(form("One", "Back"), form("Two", "Back", "Pay")),
        screen(form("One", "Back", "Pay"), form("Two", "Back", "Pay")),
        screen(form("One", "Pay", "Back"), form("Two", "Back")),
        screen(form("One", "Back"), form("Two", "Back"), item("button", "Pay")),
    ],
)
def test_an_equal_edit_more_or_elsewhere_was_not_shown(
    later: Tree, kind: DecisionKind, scope: DecisionScope
) -> None:
    baseline = screen(form("One", "Back"), form("Two", "Back"))
    shown = screen(form("One", "Back", "Pay"), form("Two", "Back"))
    assert opens(baseline, shown, later, kind=kind, scope=scope)


def test_as_many_as_were_shown_are_covered_no_more_and_no_fewer() -> None:
    baseline = template(screen(form("One", "Back")))
    counts = [judged(baseline, screen(form("One", "Back", *["Pay"] * n))) for n in range(5)]
    made = agreed(counts[2])
    assert [settled(each, made).state for each in counts[1:]] == [
        *[EventState.OPEN, EventState.SUPPRESSED],
        *[EventState.OPEN] * 2,
    ]
    assert [len(settled(each, made).open_edits) for each in counts[3:]] == [1, 2]
    rest = msgspec.structs.replace(counts[4], edits=settled(counts[4], made).open_edits)
    both = made, agreed(rest, at=NOW + 1)
    assert settled(counts[4], *both).state is EventState.SUPPRESSED


@pytest.mark.parametrize("scope", SCOPES)
def test_rows_without_names_are_other_places(scope: DecisionScope) -> None:
    def table(*amounts: str) -> Tree:
        return screen(item("list", "", *(item("group", "", item("text", a)) for a in amounts)))

    baseline, shown = table("1", "1", "1"), table("1", "7", "1")
    for later in (table("7", "1", "1"), table("1", "1", "7"), table("1", "7", "7")):
        assert opens(baseline, shown, later, scope=scope)


def moved(names: str) -> Tree:
    return screen(item("list", "Amounts", *(item("text", f"Amount {n}") for n in names)))


@pytest.mark.parametrize("scope", SCOPES)
@given(st.permutations("abcdef"), st.permutations("abcdef"))
def test_a_move_is_about_the_place_it_went_to(
    scope: DecisionScope, one: list[str], other: list[str]
) -> None:
    baseline, shown, later = moved("abcdef"), moved("".join(one)), moved("".join(other))
    assume(len({baseline, shown, later}) == 3)
    assert opens(baseline, shown, later, scope=scope)


@given(st.permutations("vwxyz"), st.permutations("vwxyz"), st.integers(0, 3), st.integers(0, 3))
def test_what_came_anew_keeps_its_order(
    one: list[str], other: list[str], gap: int, later: int
) -> None:
    def page(names: list[str], at: int) -> Tree:
        return moved("abc"[:at] + "".join(names) + "abc"[at:])

    assume((one, gap) != (other, later))
    assert opens(moved("abc"), page(one, gap), page(other, later))


@given(st.text("vw", min_size=2, max_size=7), st.integers(0, 7), st.integers(0, 7))
def test_equal_ones_anew_keep_their_order(names: str, at: int, other: int) -> None:
    """However often each occurs, and in whichever gap it stands."""
    shown = names[:at] + "b" + names[at:]
    mixed = names[::-1]
    for later in (mixed[:other] + "b" + mixed[other:], names[:other] + "b" + names[other:]):
        pages = [moved("a" + text + "c") for text in ("b", shown, later)]
        if len(set(pages)) == 3:
            assert opens(*pages)


def test_a_wrapper_is_about_what_it_takes_in() -> None:
    def page(start: int, end: int) -> Tree:
        texts = [item("text", f"Amount {n}") for n in "abcdef"]
        inside = item("group", "Discarded", *texts[start:end])
        return screen(item("list", "", *texts[:start], inside, *texts[end:]))

    baseline = moved("abcdef")
    baseline = screen(item("list", "", *(item("text", f"Amount {n}") for n in "abcdef")))
    for later in (page(1, 4), page(2, 4), page(1, 2), page(0, 3), page(3, 3)):
        assert opens(baseline, page(1, 3), later)


def test_a_wrapper_that_goes_is_the_one_that_was_shown() -> None:
    def page(*wrapped: bool) -> Tree:
        rows = [
            item("group", "", item("text", f"Row {n}")) if each else item("text", f"Row {n}")
            for n, each in zip("abc", wrapped, strict=True)
        ]
        return screen(item("list", "", *rows))

    assert opens(page(True, True, True), page(True, False, True), page(False, True, True))


def test_a_box_is_no_part_of_another_change_that_it_follows() -> None:
    """A renamed control that is hidden, too; a control in a part that moved."""

    def named(name: str, box: Bounds) -> Tree:
        return screen(item("button", name, bounds=box), item("text", "End"))

    at = Bounds(0, 0, 90, 40)
    assert opens(named("No", at), named("Decline", at), named("Decline", Bounds(0, -900, 90, 40)))
    assert opens(named("No", at), named("Decline", at), named("Decline", Bounds(0, 0, 1, 1)))

    def part(below: bool, box: Bounds) -> Tree:
        one = item("form", "One", item("button", "Decline", bounds=box), item("text", "Why"))
        two = item("form", "Two", item("text", "a"), item("text", "b"), item("text", "c"))
        return screen(*((two, one) if below else (one, two)))

    there = Bounds(0, 400, 90, 40)
    for other in (Bounds(0, 400, 1, 1), Bounds(0, -4_000, 90, 40)):
        assert opens(part(False, at), part(True, there), part(True, other))


@pytest.mark.parametrize(
    ("one", "other"),
    [(("a b",), ("a", "b")), (("none",), ("=none",)), (("a", "b c"), ("a b", "c"))],
)
def test_states_are_told_apart_from_each_other(
    one: tuple[str, ...], other: tuple[str, ...]
) -> None:
    def page(*states: str) -> Tree:
        return screen(item("switch", "Light", states=states))

    assert opens(page("on"), page(*one), page(*other))
    assert opens(screen(), page(*one), page(*other))


class Signs:
    """A detector that finds what it is told to."""

    name = "signs"

    def __init__(self, *found: Finding) -> None:
        self._found = found

    def __call__(self, context: Context) -> Iterator[Finding]:
        yield from self._found


def sign(
    severity: Severity = Severity.CRITICAL, message: str = "look", node: int = -1, target: int = -1
) -> Finding:
    return Finding("signs", "sign", severity, message, (), node, target)


def found(baseline: Tree, capture: Tree, *findings: Finding) -> Judgement:
    script = diff(baseline, capture)
    return judge(template(baseline), capture, script, detectors=[Signs(*findings)])


@pytest.mark.parametrize("kind", QUIET)
@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize(
    "later",
    [
        [sign()],
        [sign(Severity.WARNING, node=1, target=1), sign(message="new", node=2, target=2)],
        [sign(Severity.CRITICAL, node=1, target=1)],
        [sign(Severity.WARNING, node=2, target=2)],
        [sign(Severity.WARNING, "other", node=1, target=1)],
        [sign(Severity.WARNING, node=1, target=1)] * 2,
    ],
)
def test_a_finding_that_was_not_shown_makes_drift_of_decided_edits(
    later: list[Finding], kind: DecisionKind, scope: DecisionScope
) -> None:
    before, after = screen(item("text", "Old")), screen(item("text", "New"))
    shown = sign(Severity.WARNING, node=1, target=1)
    first = found(before, after, shown)
    made = agreed(first, kind, scope)
    assert settled(first, made).state is EventState.SUPPRESSED
    assert settled(found(before, after), made).state is EventState.SUPPRESSED
    second = found(before, after, *later)
    resolution = settled(second, made)
    assert resolution.state is EventState.OPEN
    assert resolution.severity is second.severity
    assert resolution.open_edits
    again = agreed(msgspec.structs.replace(second, edits=resolution.open_edits), at=NOW + 1)
    assert settled(second, made, again).state is EventState.SUPPRESSED


def test_a_finding_reopens_the_edits_that_it_is_about() -> None:
    def page(*names: str) -> Tree:
        return screen(*(item("text", name) for name in names))

    before, after = page("Old", "Older"), page("New", "Newer")
    first = found(before, after)
    at = first.edits[1].edit
    second = found(before, after, sign(node=at.node, target=at.target))
    assert settled(second, agreed(first)).open_edits == second.edits[1:]


def test_rows_that_went_missing_beside_a_decided_change_are_told() -> None:
    """The policy lets rows go; that too few are left is a finding, of no edit of its own."""

    def page(title: str, rows: int) -> Tree:
        lines = [item("listitem", "", item("text", f"Item {n}")) for n in range(rows)]
        return tree(item("heading", title), item("list", "Cart", *lines))

    rule = Rule(Selector(role="listitem"), rows=Rows(2, 9))
    one = template(page("Cart", 4), rule)
    made = agreed(judged(one, page("Your cart", 4)))
    assert settled(judged(one, page("Your cart", 3)), made).state is EventState.SUPPRESSED
    few = settled(judged(one, page("Your cart", 1)), made)
    assert few.state is EventState.OPEN
    assert few.severity is not Severity.INFO


# What is benign stays quiet.


def test_what_comes_and_goes_elsewhere_leaves_a_decided_edit_alone() -> None:
    baseline = template(screen(form("One", "Back", "Help"), form("Two", "Back")))
    shown = judged(baseline, screen(form("One", "Back", "Pay", "Help"), form("Two", "Back")))
    made = agreed(shown)
    for later in (
        screen(form("One", "New", "Back", "Pay", "Help"), form("Two", "Back")),
        screen(form("One", "Back", "Pay", "Help", "More"), form("Two", "Back")),
        screen(form("Zero", "Go"), form("One", "Back", "Pay", "Help"), form("Two", "Back")),
    ):
        (left,) = settled(judged(baseline, later), made).open_edits
        assert "Pay" not in left.edit.sentence


def test_what_the_policy_lets_come_and_go_is_no_part_of_a_place() -> None:
    def page(*rows: str, tail: tuple[str, ...] = ()) -> Tree:
        lines = [item("listitem", "", item("text", row)) for row in rows]
        return tree(
            item("heading", "Log"),
            item("list", "Log", *lines, *(item("button", name) for name in tail)),
        )

    rule = Rule(Selector(role="listitem"), rows=Rows(0, None))
    one = template(page("a", "b"), rule)
    made = agreed(judged(one, page("a", "b", tail=("More",))))
    for rows in (("a", "b"), ("b", "c"), ("c", "d", "e"), ("x",)):
        for count in (1, 2):
            later = settled(judged(one, page(*rows, tail=("More",) * count)), made)
            said = [each.edit.sentence for each in later.open_edits]
            assert len([text for text in said if "More" in text]) == count - 1, rows


def test_another_screen_of_the_app_has_the_like_place_and_no_more_of_it() -> None:
    def titled(title: str, *parts: Item) -> Tree:
        whole = screen(*parts)
        return Tree((Node("document", title), *whole.nodes[1:]), whole.parents)

    banner = item("dialog", "Cookies", item("button", "Accept"))
    made = agreed(
        judged(template(titled("Cart", form("One"))), titled("Cart", form("One"), banner)),
        scope=DecisionScope.APP,
        screen="cart",
    )
    before = template(titled("Pay", form("Two")))
    once, twice = (judged(before, titled("Pay", form("Two"), *[banner] * n)) for n in (1, 2))
    assert settled(once, made).state is EventState.SUPPRESSED
    assert len(settled(twice, made).open_edits) == 1
    inside = judged(before, titled("Pay", item("form", "Two", banner)))
    assert settled(inside, made).state is EventState.OPEN


# Any one thing that differs from what was approved, of any screen.

ROLES, WORDS = ("button", "text", "group", "listitem"), ("Pay", "Back", "12", "", "Line a")
NODES = st.builds(
    Node,
    role=st.sampled_from(ROLES),
    name=st.sampled_from(WORDS),
    value=st.sampled_from(("", "7")),
    states=st.sampled_from(((), ("checked",), ("disabled", "hidden"))),
    attributes=st.sampled_from(((), (("level", "2"),), (("url", "https://a.example"),))),
    bounds=st.builds(Bounds, st.integers(0, 3), st.integers(0, 3), st.just(9), st.just(9)),
)
ITEMS = st.recursive(
    NODES.map(lambda node: Item(node, ())),
    lambda below: st.builds(Item, NODES, st.lists(below, max_size=4).map(tuple)),
    max_leaves=9,
)
SCOPE = st.sampled_from(SCOPES)
SCREENS = st.lists(ITEMS, min_size=1, max_size=4).map(lambda items: screen(*items))


def _with(one: Tree, at: int, **fields: Any) -> Tree:
    node = msgspec.structs.replace(one.nodes[at], **fields)
    return Tree((*one.nodes[:at], node, *one.nodes[at + 1 :]), one.parents)


def _inserted(one: Tree, at: int, parent: int, nodes: tuple[Node, ...]) -> Tree:
    """`one` with copies below `parent`, as leaves before node `at`."""
    count = len(nodes)
    old = [p if p < at else p + count for p in one.parents]
    return Tree(
        (*one.nodes[:at], *nodes, *one.nodes[at:]), (*old[:at], *[parent] * count, *old[at:])
    )


Twist = Callable[[Tree, st.DataObject], Tree]


def _text(field: str) -> Twist:
    def twist(one: Tree, data: st.DataObject) -> Tree:
        at = data.draw(st.integers(1, len(one) - 1))
        return _with(one, at, **{field: "fresh"})

    return twist


def _tuple(field: str, value: Any) -> Twist:
    return lambda one, data: _with(one, data.draw(st.integers(1, len(one) - 1)), **{field: value})


def _again(one: Tree, data: st.DataObject) -> Tree:
    """A node once more, beside itself."""
    at = data.draw(st.integers(1, len(one) - 1))
    return _inserted(one, one.ends[at], one.parents[at], (one.nodes[at],))


def _elsewhere(one: Tree, data: st.DataObject) -> Tree:
    """Copies of a node, last in another part."""
    at, parent = (data.draw(st.integers(1, len(one) - 1)) for _ in range(2))
    count = data.draw(st.integers(1, 5))
    return _inserted(one, one.ends[parent], parent, (one.nodes[at],) * count)


TWISTS: dict[str, Twist] = {
    "name": _text("name"),
    "value": _text("value"),
    "role": _text("role"),
    "states": _tuple("states", ("fresh",)),
    "attributes": _tuple("attributes", (("url", "https://fresh.example"),)),
    "bounds": _tuple("bounds", Bounds(-700, 900, 1, 1)),
    "again": _again,
    "elsewhere": _elsewhere,
}


@pytest.mark.parametrize("twist", TWISTS)
@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(SCREENS, SCREENS, st.sampled_from(QUIET), st.sampled_from(SCOPES), st.data())
def test_whatever_else_differs_from_what_was_approved_is_open(
    twist: str,
    before: Tree,
    after: Tree,
    kind: DecisionKind,
    scope: DecisionScope,
    data: st.DataObject,
) -> None:
    later = TWISTS[twist](after, data)
    one = template(before)
    first, second = judged(one, after), judged(one, later)
    assume(first.edits and second.edits)
    assume(judged(template(after), later).edits)
    made = agreed(first, kind, scope)
    assert settled(judged(one, after), made).state is EventState.SUPPRESSED
    assert settled(second, made).state is not EventState.SUPPRESSED


def _shuffled(one: Tree, parent: int, order: list[int]) -> Tree:
    """`one` with the children of `parent` in another order."""
    nodes: list[Node] = []
    parents: list[int] = []
    new: dict[int, int] = {}

    def put(at: int) -> None:
        new[at] = len(nodes)
        nodes.append(one.nodes[at])
        parents.append(new.get(one.parents[at], -1))
        for child in order if at == parent else one.children[at]:
            put(child)

    put(0)
    return Tree(nodes, parents)


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(SCREENS, SCREENS, st.sampled_from(SCOPES), st.data())
def test_another_order_of_what_was_approved_is_open(
    before: Tree, after: Tree, scope: DecisionScope, data: st.DataObject
) -> None:
    parent = data.draw(st.sampled_from([i for i, below in enumerate(after.children) if below[1:]]))
    order = data.draw(st.permutations(after.children[parent]))
    later = _shuffled(after, parent, list(order))
    one = template(before)
    first, second = judged(one, after), judged(one, later)
    assume(first.edits and second.edits and judged(template(after), later).edits)
    assert settled(second, agreed(first, scope=scope)).state is not EventState.SUPPRESSED


@settings(suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(
    st.lists(st.tuples(ITEMS, ITEMS), min_size=2, max_size=4), st.sampled_from(SCOPES), st.data()
)
def test_what_is_in_part_as_before_and_in_part_as_approved_is_open(
    parts: list[tuple[Item, Item]], scope: DecisionScope, data: st.DataObject
) -> None:
    """Each part of the screen as it was, or as it was approved; not all as it was approved."""
    sides = data.draw(st.lists(st.integers(0, 1), min_size=len(parts), max_size=len(parts)))
    before, after = (screen(*(part[side] for part in parts)) for side in (0, 1))
    later = screen(*(part[side] for part, side in zip(parts, sides, strict=True)))
    one = template(before)
    first, second = judged(one, after), judged(one, later)
    assume(first.edits and second.edits and judged(template(after), later).edits)
    assert settled(second, agreed(first, scope=scope)).state is not EventState.SUPPRESSED
