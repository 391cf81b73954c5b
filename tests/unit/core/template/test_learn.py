from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.drift import Verdict
from systemzero_core.errors import InvalidInput
from systemzero_core.template import (
    Learned,
    Policy,
    Rule,
    Selector,
    Template,
    learn,
    rebased,
    refine,
    signed,
    validate,
)
from systemzero_core.tree import Node, Tree
from tests.support.strategies import trees
from tests.support.trees import Item, item, judged, swapped, template, tree


def of(learned: Learned) -> Template:
    return Template(
        template_id="tpl_1",
        screen_id="s",
        tree=learned.tree,
        policy=learned.policy,
        required_nodes=learned.required_nodes,
    )


def page(clock: str = "10:05", *rows: str, more: tuple[Item, ...] = (), user: str = "Ann") -> Tree:
    return tree(
        item("banner", "", item("text", f"Signed in as {user}"), item("button", "Log out")),
        item(
            "main",
            "",
            item("heading", "Orders", attributes=(("level", "1"),)),
            item("text", f"Updated {clock}"),
            item("list", "Open orders", *(item("listitem", r, item("link", r)) for r in rows)),
            *more,
        ),
    )


def test_one_capture_gives_a_strict_template_but_for_what_changes_by_itself() -> None:
    def counted(stock: int, clock: str) -> Tree:
        return page(clock, "a", more=(item("text", f"{stock} in stock"),))

    learned = learn([counted(7, "10:05")])
    assert [i.sentence for i in learned.inferences] == [
        "text “Updated 10:05” shows a clock",
        "text “7 in stock” looks live (count): a second capture would tell",
    ]
    assert judged(of(learned), counted(7, "11:40")).verdict is Verdict.UNCHANGED
    judgement = judged(of(learned), counted(8, "11:40"))
    # It shows, but hardly: that it varies is only a guess.
    assert judgement.verdict is Verdict.DRIFT
    assert judgement.edits[0].volatile
    assert judgement.similarity > 0.98


def test_required_nodes_tell_the_screen() -> None:
    learned = learn([page("10:05", "a")])
    assert Selector(role="heading", name="Orders") in learned.required_nodes
    assert Selector(role="button", name="Log out") in learned.required_nodes
    assert not [s for s in learned.required_nodes if s.name == "a"]


def test_what_varied_becomes_a_typed_wildcard() -> None:
    learned = learn([page("10:05", "a"), page("10:06", "a")])
    (rule,) = learned.policy.rules
    assert rule.name == "Updated {time}"
    assert rule.why == "text “Updated 10:06” varied: name is Updated {time} (2 of 2 captures)"
    (inference,) = learned.inferences
    assert (inference.support, inference.total) == (2, 2)
    assert judged(of(learned), page("23:59", "a")).verdict is Verdict.UNCHANGED
    assert judged(of(learned), page("soon", "a")).verdict is Verdict.DRIFT


def test_what_is_not_guessed_shows() -> None:
    learned = learn([page("10:05", "a")], guess=False)
    assert learned.policy == Policy()
    assert judged(of(learned), page("11:40", "a")).verdict is Verdict.DRIFT


def test_rows_become_a_repeated_pattern() -> None:
    learned = learn([page("9:00", "a", "b", "c"), page("9:00", "d", "b"), page("9:00", "b")])
    (rows,) = [rule for rule in learned.policy.rules if rule.name is None]
    assert rows.rows is not None
    assert judged(of(learned), page("9:00", "x", "y", "z", "w")).verdict is Verdict.UNCHANGED
    extra = page("9:00", "b", more=(item("button", "Buy"),))
    assert judged(of(learned), extra).verdict is Verdict.DRIFT


def test_what_comes_and_goes_becomes_optional() -> None:
    sale = item("alert", "Sale ends today")
    captures = [page("9:00", "a", more=(sale,)), page("9:00", "a"), page("9:00", "a")]
    for order in (captures, captures[::-1]):
        learned = learn(order)
        assert [rule.optional for rule in learned.policy.rules if rule.name is None] == [True]
        assert learned.inferences[0].support == 2
        assert all(judged(of(learned), capture).verdict is Verdict.UNCHANGED for capture in order)
        other = page("9:00", "a", more=(item("alert", "No stock"),))
        assert judged(of(learned), other).verdict is Verdict.DRIFT


def test_a_control_is_never_lumped_with_others() -> None:
    some = page("9:00", more=(item("button", "Undo"), item("button", "Pay")))
    learned = learn([some, page("9:00", more=(item("button", "Pay"),))])
    assert judged(of(learned), some).verdict is Verdict.UNCHANGED
    assert judged(of(learned), page("9:00")).verdict is Verdict.DRIFT


def test_a_text_among_alike_ones_is_told_by_its_place() -> None:
    def texts(*names: str) -> Tree:
        return tree(item("main", "", *(item("text", name) for name in names)))

    learned = learn([texts("One", "Bob", "Two"), texts("One", "Alice", "Two")])
    (rule,) = learned.policy.rules
    assert rule.select.nth == 2
    assert judged(of(learned), texts("One", "Carol", "Two")).verdict is Verdict.UNCHANGED
    assert judged(of(learned), texts("Uno", "Carol", "Two")).verdict is Verdict.DRIFT
    assert judged(of(learned), texts("One", "Carol", "Due")).verdict is Verdict.DRIFT


def test_a_rule_by_place_follows_its_node_into_a_new_baseline() -> None:
    def texts(*names: str) -> Tree:
        return tree(item("main", "", *(item("text", name) for name in names)))

    learned = learn([texts("One", "Bob", "Two"), texts("One", "Alice", "Two")])
    newer = rebased(of(learned), texts("New", "One", "Alice", "Two"))
    assert [rule.select.nth for rule in newer.policy.rules] == [3]
    after = texts("New", "One", "Dave", "Two")
    assert judged(newer, after).verdict is Verdict.UNCHANGED


def test_every_update_keeps_the_policy_and_counts_versions() -> None:
    rule = Rule(Selector(role="banner"), optional=True)
    one = signed(
        template(page(), rule, required_nodes=(Selector(role="button"), Selector(role="alert")))
    )
    newer = rebased(one, page("11:00"), "cap_2")
    assert newer.version == one.version + 1
    assert newer.template_id == one.template_id
    assert newer.policy == one.policy
    assert newer.captures == ("cap_2",)
    assert newer.full_signature != one.full_signature
    assert newer.required_nodes == (Selector(role="button"),)
    assert judged(newer, page("11:00")).verdict is Verdict.UNCHANGED


def test_refining_adds_to_the_policy() -> None:
    rule = Rule(Selector(role="banner"), optional=True)
    one = template(page("9:00", "a"), rule)
    newer, learned = refine(one, page("9:30", "a"), "cap_2")
    assert newer.policy.rules[0] == rule
    assert newer.policy.rules[1].name == "Updated {time}"
    assert len(learned.inferences) == 1
    again, learned = refine(newer, page("9:45", "a"))
    assert again.policy == newer.policy
    assert learned.inferences == ()
    assert again.version == one.version + 2


def test_a_template_without_a_tree_is_refined_into_one_with() -> None:
    older = Template(template_id="t", screen_id="s", structure_signature="ab")
    newer, _ = refine(older, page())
    assert newer.tree == page()
    assert newer.required_nodes


def test_no_captures_and_empty_ones_teach_nothing() -> None:
    for captures in ([], [Tree((), ())], [page()] * 51):
        with pytest.raises(InvalidInput):
            learn(captures)


@given(trees(max_nodes=12), trees(max_nodes=12))
def test_whatever_is_learnt_is_a_valid_template(a: Tree, b: Tree) -> None:
    if not len(a) or not len(b):
        return
    learned = learn([a, b])
    assert validate(of(learned)) == ()
    assert judged(of(learned), b).verdict is Verdict.UNCHANGED


@given(st.lists(st.integers(0, 10_000), min_size=2, max_size=4), st.integers(0, 10_000))
def test_numbers_that_varied_may_be_any_number(seen: list[int], other: int) -> None:
    def at(number: int) -> Tree:
        return swapped(page(), 2, Node("text", f"{number} items"))

    learned = learn([at(number) for number in seen])
    expected = other == seen[-1] or len(set(seen)) > 1
    assert (judged(of(learned), at(other)).verdict is Verdict.UNCHANGED) is expected
