"""The tree's invariants: what is refused, and what the derived views say."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.errors import MalformedTree, TooLarge
from systemzero_core.tree import Node, Tree, TreeBuilder


def nodes(count: int) -> list[Node]:
    return [Node("generic", name=str(i)) for i in range(count)]


@given(st.lists(st.integers(-2, 12), max_size=12))
def test_checked_takes_exactly_the_preorder_parent_lists(parents: list[int]) -> None:
    valid = _rebuild_by_recursion(parents) == list(range(len(parents)))
    if valid:
        tree = Tree.checked(nodes(len(parents)), parents)
        assert tree.parents == tuple(parents)
    else:
        with pytest.raises(MalformedTree):
            Tree.checked(nodes(len(parents)), parents)


def _rebuild_by_recursion(parents: list[int]) -> list[int] | None:
    """The nodes in preorder as an independent walk finds them, or None for no single tree."""
    if not parents:
        return []
    if parents.count(-1) != 1 or parents[0] != -1 or any(p >= i for i, p in enumerate(parents)):
        return None
    if min(parents) < -1:
        return None

    def walk(index: int) -> list[int]:
        order = [index]
        for child, parent in enumerate(parents):
            if parent == index:
                order += walk(child)
        return order

    return walk(0)


def test_derived_views() -> None:
    tree = Tree.checked(nodes(5), [-1, 0, 1, 0, 3])
    assert tree.ends == (5, 3, 3, 5, 5)
    assert tree.children == ((1, 3), (2,), (), (4,), ())
    assert tree.depths == (0, 1, 2, 1, 2)
    assert tree.ancestors(4) == [3, 0]


def test_builder_bounds_nodes_and_roots() -> None:
    builder = TreeBuilder(max_nodes=2)
    builder.open(Node("a"))
    builder.open(Node("b"))
    with pytest.raises(TooLarge):
        builder.open(Node("c"))
    lone = TreeBuilder()
    lone.open(Node("a"))
    lone.close()
    with pytest.raises(MalformedTree):
        lone.open(Node("b"))
