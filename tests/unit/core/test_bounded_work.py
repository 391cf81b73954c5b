"""What a tenant's trees, rules and decisions may cost: counted in steps, never in seconds."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from systemzero_core.diff import Edit, EditKind, diff
from systemzero_core.drift import PlaceDigests, Verdict, judge, resolve, similarity
from systemzero_core.drift.model import (
    CoveredEdit,
    Decision,
    DecisionKind,
    DecisionScope,
    JudgedEdit,
    Judgement,
)
from systemzero_core.redaction import Rules, redact
from systemzero_core.redaction.rules import Selector as Secret
from systemzero_core.template import Finder, MatchLevel, Policy, Rule, Selector, Template, learn
from systemzero_core.tree import Node, Tree
from systemzero_core.work import TooMuchWork, Work


@contextmanager
def counted() -> Iterator[list[int]]:
    """The calls of Python functions within, counted: the same on every machine."""
    calls = [0]

    def count(frame: object, event: str, argument: object) -> None:
        calls[0] += event == "call"

    sys.setprofile(count)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def calls_of(work: Callable[[], object]) -> int:
    with counted() as calls:
        work()
    return calls[0]


def deep_screen(texts: int, end: str = "") -> Tree:
    """Texts below forty groups."""
    nodes = [Node("group", "g") for _ in range(40)]
    nodes += [Node("text", f"t {i} 1,2,3,4{end}") for i in range(texts)]
    return Tree(nodes, [*range(-1, 39), *[39] * texts])


def rules(count: int, name: str) -> Policy:
    under = (Selector(role="group", name="{any}g{any}"),) * 16
    return Policy(
        rules=tuple(
            Rule(Selector(role="text", name=f"{name}{i}", under=under), level=MatchLevel.IGNORE)
            for i in range(count)
        )
    )


def crossing(count: int) -> Policy:
    """Rules whose names all may fit, as far as a look at their edges tells."""
    selectors = [Selector(role="text", name=f"{{any}}q{i}{{any}}") for i in range(count)]
    return Policy(rules=tuple(Rule(select, level=MatchLevel.IGNORE) for select in selectors))


def judged(policy: Policy, texts: int) -> Judgement:
    a, b = deep_screen(texts), deep_screen(texts, "x")
    template = Template(template_id="t", screen_id="s", tree=a, policy=policy)
    return judge(template, b, diff(a, b), detectors=())


def test_rules_that_end_otherwise_cost_a_node_nothing() -> None:
    policy = rules(200, "{any}{number}{any}z")
    few = calls_of(lambda: judged(rules(1, "{any}{number}{any}z"), 300))
    many = calls_of(lambda: judged(policy, 300))
    assert many - few < 200 * 60  # what compiling them takes: none is held against a text
    assert judged(policy, 300).verdict is Verdict.DRIFT


def test_ancestors_are_looked_at_once_for_all_that_stands_below_them() -> None:
    policy = rules(10, "{any}t{any}")
    template = Template(template_id="t", screen_id="s", tree=deep_screen(1), policy=policy)

    def ignored(texts: int) -> int:
        tree = deep_screen(texts)
        return calls_of(lambda: judge(template, tree, diff(deep_screen(1), tree), detectors=()))

    assert ignored(400) - ignored(200) < 200 * 150


def test_a_policy_that_is_too_much_work_leaves_the_verdict_open_and_says_why() -> None:
    judgement = judged(crossing(2_000), 3_000)
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert judgement.edits == ()
    (reason,) = judgement.reasons
    assert reason == (
        "holding the tree against the template's policy takes more than 5,000,000 steps"
    )


def test_texts_with_too_many_numbers_leave_the_verdict_open_and_say_why() -> None:
    a = Tree([Node("text", "1 " * 9_000 + str(i)) for i in range(40)], [-1, *[0] * 39])
    b = Tree([Node("text", "2 " * 9_000 + str(i)) for i in range(40)], a.parents)
    judgement = judge(Template(template_id="t", screen_id="s", tree=a), b, diff(a, b))
    assert judgement.verdict is Verdict.INCONCLUSIVE
    assert "numbers and dates" in judgement.reasons[0]


def test_what_was_not_read_for_signs_is_told() -> None:
    a = Tree([Node("main"), *[Node("text", "a" * 400)] * 6_000], [-1, *[0] * 6_000])
    b = Tree([Node("main"), *[Node("text", "b" * 400)] * 6_000], a.parents)
    judgement = judge(Template(template_id="t", screen_id="s", tree=a), b, diff(a, b))
    (unread,) = [finding for finding in judgement.findings if finding.code == "unread"]
    assert "were not looked at for signs" in unread.message
    assert judgement.verdict is Verdict.DRIFT


def test_a_selector_far_below_its_ancestor_is_found_in_one_walk() -> None:
    def found(depth: int) -> int:
        finder = Finder(Tree([Node("main"), *[Node("group", "g")] * depth], range(-1, depth)))
        select = Selector(role="group", name="g", under=(Selector(role="main"),))
        return calls_of(lambda: list(finder.find(select)))

    assert found(4_000) < 2.5 * found(2_000)


def test_finding_takes_no_more_steps_than_it_may() -> None:
    tree = Tree([Node("text", "x 1 y") for _ in range(3_000)], [-1, *[0] * 2_999])
    finder = Finder(tree)
    selectors = [Selector(role="text", name=f"{{any}}q{i}{{any}}") for i in range(3_000)]
    with pytest.raises(TooMuchWork, match="5,000,000 steps"):
        list(finder.lacking(selectors))


def test_learning_from_nested_rows_is_linear() -> None:
    def learnt(size: int) -> int:
        captures = [
            Tree(
                [Node("listitem" if i % 2 else "list", f"{word}{i}") for i in range(size)],
                range(-1, size - 1),
            )
            for word in ("a", "b")
        ]
        return calls_of(lambda: learn(captures))

    assert learnt(3_000) < 3 * learnt(1_500)


def test_decisions_about_one_change_in_many_places_cost_a_look_up_each() -> None:
    def resolved(size: int) -> int:
        places = [PlaceDigests(f"{i:032x}", f"{i:032x}") for i in range(2 * size)]
        decisions = [
            Decision(
                decision_id=f"d{i}",
                kind=DecisionKind.APPROVE,
                scope=DecisionScope.NODE,
                edits=(CoveredEdit("a" * 64, places[i]),),
                screen_id="s",
                create_time=i,
            )
            for i in range(size)
        ]
        edits = tuple(
            JudgedEdit(
                Edit(EditKind.UPDATE),
                0.0,
                volatile=False,
                fingerprint="f" * 64,
                values_digest="a" * 64,
                place=place,
            )
            for place in places[size // 2 : size // 2 + size]
        )
        judgement = Judgement(Verdict.DRIFT, edits=edits)

        def run() -> None:
            found = resolve(judgement, decisions, now=0, screen_id="s", app="")
            assert len(found.open_edits) == size // 2

        return calls_of(run)

    assert resolved(400) < 2.5 * resolved(200)


def test_places_in_a_deep_tree_are_found_once_each() -> None:
    def found(size: int) -> int:
        trees = [
            Tree([Node("group", "a", value) for _ in range(size)], range(-1, size - 1))
            for value in ("x", "y")
        ]
        script = diff(*trees)
        assert len(script.edits) == size
        one = Template(template_id="t", screen_id="s", tree=trees[0])
        return calls_of(lambda: judge(one, trees[1], script, detectors=()))

    assert found(2_000) < 2.5 * found(1_000)


def test_fields_within_selected_fields_are_emptied_once() -> None:
    rules_ = Rules(selectors=[Secret(role="textbox")])

    def redacted(size: int) -> int:
        nodes = [Node("textbox", "", value=f"secret {i}") for i in range(size)]
        tree = Tree(nodes, range(-1, size - 1))
        assert not any(node.value for node in redact(tree, rules_).tree.nodes)
        return calls_of(lambda: redact(tree, rules_))

    assert redacted(800) < 2.5 * redacted(400)


def test_two_trees_are_as_similar_as_a_judgement_says() -> None:
    a, b = deep_screen(20), deep_screen(20, "x")
    template = Template(template_id="", screen_id="", tree=a)
    script = diff(a, b)
    assert similarity(a, b, script) == judge(template, b, script, detectors=()).similarity


def test_work_ends_where_it_is_used_up() -> None:
    work = Work(2, "counting")
    work.spend(2)
    assert work.spent == 2
    with pytest.raises(TooMuchWork, match="counting takes more than 2 steps"):
        work.spend(1)
