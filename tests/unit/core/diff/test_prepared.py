"""Numbers and shares: what the mapping rests on, against their definitions."""

from __future__ import annotations

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import Prepared, diff, to_json
from systemzero_core.diff.affinity import UNIT, Affinity
from systemzero_core.tree import Bounds, Node, Tree
from tests.support.strategies import trees
from tests.support.trees import outline


def label(node: Node) -> Node:
    """`node` without what takes no part in labels."""
    return msgspec.structs.replace(node, bounds=None, platform_role="")


def under(tree: Tree, at: int) -> tuple[object, ...]:
    """The labels and shape of the subtree of node `at`."""
    shape = [parent - at for parent in tree.parents[at + 1 : tree.ends[at]]]
    return (*map(label, tree.nodes[at : tree.ends[at]]), *shape)


@given(trees(), trees())
def test_numbers_are_equal_exactly_where_things_are(a: Tree, b: Tree) -> None:
    before = Prepared(a)
    after = Prepared(b, before)
    for kind, of_a, of_b in (
        ("exact", list(a.nodes), list(b.nodes)),
        ("labels", list(map(label, a.nodes)), list(map(label, b.nodes))),
        ("subtrees", [under(a, i) for i in range(len(a))], [under(b, i) for i in range(len(b))]),
    ):
        numbers = [*getattr(before, kind), *getattr(after, kind)]
        pairs = set(zip(numbers, map(str, [*of_a, *of_b]), strict=True))
        assert len(pairs) == len(set(numbers)) == len({thing for _, thing in pairs}), kind


@given(trees(), st.integers(1, 99))
def test_a_page_that_shifted_is_the_same_page(tree: Tree, down: int) -> None:
    nodes = [
        msgspec.structs.replace(n, bounds=Bounds(0, down, 9, 9), platform_role="AXOther")
        for n in tree.nodes
    ]
    before = Prepared(tree)
    after = Prepared(Tree(nodes, tree.parents), before)
    assert after.labels == before.labels
    assert after.subtrees == before.subtrees
    assert set(after.exact).isdisjoint(before.exact)


@given(trees(), trees())
def test_a_pair_scores_by_what_its_nodes_share(a: Tree, b: Tree) -> None:
    before = Prepared(a)
    affinity = Affinity(before, Prepared(b, before), 1_000_000)
    for x in range(len(a)):
        for y in range(len(b)):
            inside_a, inside_b = a.nodes[x + 1 : a.ends[x]], b.nodes[y + 1 : b.ends[y]]
            score = affinity.score(x, y)
            if under(a, x) == under(b, y):
                assert score == 2 * UNIT * (a.ends[x] - x)
            elif score and label(a.nodes[x]) == label(b.nodes[y]) and inside_a and inside_b:
                same = Counter(map(label, inside_a)) & Counter(map(label, inside_b))
                roles = Counter(n.role for n in inside_a) & Counter(n.role for n in inside_b)
                assert score == UNIT * (2 + same.total() + roles.total())


@given(trees(), trees())
def test_no_pair_scores_more_than_the_smaller_of_its_nodes_allows(a: Tree, b: Tree) -> None:
    before = Prepared(a)
    affinity = Affinity(before, Prepared(b, before), 1_000_000)
    for x in range(len(a)):
        for y in range(len(b)):
            smaller = min(a.ends[x] - x, b.ends[y] - y)
            assert 0 <= affinity.score(x, y) <= 2 * UNIT * smaller


def test_a_baseline_answers_alike_however_often_it_is_asked() -> None:
    baseline = Prepared(outline("main\n list\n  link A\n  link B\n group\n  button C\n  text D"))
    fresh = outline("main\n list\n  link A\n  link B\n group\n  button C\n  text D")
    for changed in ("E", "F", "E"):
        after = outline(f"main\n list\n  link {changed}\n  link B\n banner\n  button C\n  text D")
        assert to_json(diff(baseline, after)) == to_json(diff(fresh, after))
