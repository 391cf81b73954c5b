"""What an event shows of a change, and that nobody agrees to what it does not show."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero.diff.v1 import edit_script_pb2 as pb
from systemzero_core.drift import DecisionKind, DecisionScope, Judgement, Verdict, decide, resolve
from systemzero_core.errors import FailedPrecondition
from systemzero_core.tree import Bounds, Tree
from systemzero_diff.codec import cut
from systemzero_diff.codec.edits import Sides, decode_judged, encode_judged
from tests.support.trees import Item, item, judged, template, tree

LONG = "terms and more " * 400


def page(*more: Item) -> Tree:
    return tree(item("main", "", item("heading", "Terms"), item("link", "Home"), *more))


def terms(text: str, *more: tuple[str, str]) -> Tree:
    return page(item("combobox", "Terms", value=text, attributes=tuple(sorted(more))))


def many(word: str, url: str) -> Tree:
    return terms("", *((f"a{i:03}", word) for i in range(120)), ("url", url))


def shown(before: Tree, after: Tree) -> pb.EditScript:
    return encode_judged(judged(template(before), after).edits, "", Sides.of(before, after))


def is_quiet(before: Tree, after: Tree, kind: DecisionKind = DecisionKind.APPROVE) -> bool:
    """Whether a capture is quiet after a decision about what an event shows of it."""
    event = Judgement(Verdict.DRIFT, similarity=0.5, edits=decode_judged(shown(before, after)))
    made = decide(
        event,
        kind,
        DecisionScope.SCREEN,
        decision_id="dec_1",
        screen_id="s",
        app="",
        reason="so",
        actor="ann",
        now=1,
        expire_time=9,
    )
    found = judged(template(before), after)
    return not resolve(found, [made], now=2, screen_id="s", app="").open_edits


GROUP = [item("text", "Stay in touch"), item("button", "Order, you pay 499 EUR", value="499")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (many("x", "/ok"), many("y", "https://evil.example/pay")),
        (terms(f"Fee 5 {LONG} pay 10"), terms(f"Fee 6 {LONG} pay 9999")),
        (terms(f"a{LONG}"), terms(f"b{LONG[::-1]}")),
        (terms("", ("k" * 300, "a")), terms("", ("k" * 300, "b"))),
        (page(), page(item("group", "News", *(item("text", f"Line {i}") for i in range(600))))),
        (page(), page(item("text", LONG * 9))),
        (page(item("group", "News", *(item("text", LONG) for _ in range(9)))), page()),
    ],
)
def test_nobody_agrees_to_what_is_not_shown_whole(before: Tree, after: Tree) -> None:
    (edit,) = shown(before, after).edits
    assert edit.partial
    for kind in (DecisionKind.APPROVE, DecisionKind.SNOOZE):
        with pytest.raises(
            FailedPrecondition, match=r"learn the template anew: .* too large to be shown"
        ) as caught:
            is_quiet(before, after, kind)
        assert edit.sentence[:150] in caught.value.message
    assert not is_quiet(before, after, DecisionKind.REJECT)


def test_what_is_shown_whole_beside_it_is_decided_about() -> None:
    before = page(item("text", "a"), item("text", LONG))
    after = page(item("text", "b"), item("text", f"{LONG[::-1]}!"))
    assert not is_quiet(before, after)
    assert is_quiet(before, page(item("text", "b"), item("text", LONG)))


@pytest.mark.parametrize("at", [0, 3_000, len(LONG)])
def test_of_a_long_text_all_that_differs_is_shown(at: int) -> None:
    before = terms(f"{LONG[:at]} pay 10 {LONG[at:]}")
    after = terms(f"{LONG[:at]} pay 9999 {LONG[at:]}")
    (edit,) = shown(before, after).edits
    assert not edit.partial
    assert "pay 9999" in edit.changes[0].new_value
    assert is_quiet(before, after)


@given(st.text("ab", max_size=40), st.text("ab", max_size=40), st.integers(6, 30))
def test_what_differs_fits_or_is_told_not_to(old: str, new: str, most: int) -> None:
    (first, lacks), (second, misses) = cut.pair(old, new, most)
    assert len(first.encode()) <= most
    assert len(second.encode()) <= most
    for part, whole, left in ((first, old, lacks), (second, new, misses)):
        assert len(part.replace(cut.CUT, "")) + left == len(whole)
    if cut.differ_within(old, new, most):
        assert (first == second) == (old == new)


def test_the_nodes_that_come_or_go_are_shown_with_all_that_is_consented_to() -> None:
    box = Bounds(1, 2, 3, 4)
    news = item(
        "group", "News", *GROUP, item("checkbox", "I agree", states=("checked",), bounds=box)
    )
    for before, after in ((page(), page(news)), (page(news), page())):
        (edit,) = shown(before, after).edits
        assert not edit.partial
        assert [(n.role, n.name, n.value, n.parent) for n in edit.nodes] == [
            ("group", "News", "", -1),
            ("text", "Stay in touch", "", 0),
            ("button", "Order, you pay 499 EUR", "499", 0),
            ("checkbox", "I agree", "", 0),
        ]
        assert list(edit.nodes[3].states) == ["checked"]
        assert edit.nodes[3].bounds.width == 3


def test_every_sibling_is_shown_whose_box_changed() -> None:
    def boxes(x: int) -> Tree:
        names = ("Accept", "Decline", "Later")
        return page(
            *(item("button", n, bounds=Bounds(x, 50 * i, 90, 40)) for i, n in enumerate(names))
        )

    (edit,) = shown(boxes(0), boxes(-5_000)).edits
    assert [(n.name, n.bounds.x) for n in edit.nodes] == [("Decline", -5_000), ("Later", -5_000)]


_NAMES = st.sampled_from(("Pay", "Decline", "499 EUR", ""))
_INNER = st.lists(
    st.builds(
        lambda name, value, on, width: item(
            "button", name, value=value, states=("checked",) * on, bounds=Bounds(0, 0, width, 9)
        ),
        _NAMES,
        _NAMES,
        st.booleans(),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=100)
@given(_INNER, _INNER)
def test_what_stands_in_an_approved_subtree_stays_as_it_was(
    one: list[Item], other: list[Item]
) -> None:
    """Else it is open again."""
    before, first, second = (
        page(),
        page(item("group", "News", *one)),
        page(item("group", "News", *other)),
    )
    made = decide(
        judged(template(before), first),
        DecisionKind.APPROVE,
        DecisionScope.TENANT,
        decision_id="dec_1",
        screen_id="s",
        app="",
        reason="so",
        actor="ann",
        now=1,
    )
    later = judged(template(before), second)
    assert bool(resolve(later, [made], now=2, screen_id="s", app="").open_edits) == (
        first != second
    )
