"""A tree made ready for comparison: equal subtrees have equal numbers, in both trees.

Hash-consing (Ershov, CACM 1(8), 1958): a subtree's number is looked up by its root's label and its
children's numbers, so numbers are exact, not hashes that may collide. Boxes and the platform's own
role take no part: a page that shifted by a line is the same page, box by box different.

The numbers mean nothing but that the same is the same:
1. A node's exact number is that of all its fields, its label's number that of the first node seen
   with the same role, name, value, states and attributes.
2. A leaf's subtree has its label's number, which is positive; those of other subtrees are negative.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from functools import cached_property
from itertools import repeat
from typing import NamedTuple

from systemzero_core.diff.paths import Paths
from systemzero_core.diff.walk import children_of
from systemzero_core.tree import Node, Tree


class _Numbers:
    """What was numbered so far; read-only once a tree is prepared.

    Attributes:
        exact: the number of each node.
        label: for each number of a node (0: none) the number of its label.
        role: the role of each.
        labels: the number of each label.
        subtrees: the number of each subtree, by its family.
    """

    def __init__(self) -> None:
        self.exact: dict[Node, int] = {}
        self.label: list[int] = [0]
        self.role: list[str] = [""]
        self.labels: dict[Hashable, int] = {}
        self.subtrees: dict[tuple[int, ...], int] = {}


_NOTHING = _Numbers()

_KEPT = 2
"""Nodes for each node of the tree, at most, in contents that are kept for the next diff."""


class Content(NamedTuple):
    """What is below a node, whatever its order: labels and roles, each with how often it occurs."""

    labels: Counter[int]
    roles: Counter[str]


class Prepared:
    """One tree with its nodes, labels and subtrees numbered.

    A baseline that many captures are compared with is prepared once and passed to `diff` in place
    of the tree.

    Attributes:
        tree: the tree.
        exact: for each node the number of all that it says, box and platform role included.
        labels: for each node the number of its label (role, name, value, states, attributes).
        subtrees: for each node the number of the subtree under it, itself included.
        ends: for each node the index one past its subtree's last node.
        families: for each node with children its label's number, then those of their subtrees.
    """

    def __init__(self, tree: Tree, base: Prepared | None = None) -> None:
        """Number `tree`; with the numbers of `base` for what occurs there."""
        self.tree = tree
        self.numbers = _Numbers()
        known = self._known = base.numbers if base else _NOTHING
        self.exact, self.labels = self._number_nodes(known)
        self.families: dict[int, tuple[int, ...]] = {}
        self.ends = tree.ends
        self.subtrees = self._number_subtrees(known)
        self._children: dict[int, tuple[int, ...]] = {}
        self._contents: dict[int, Content] = {}
        self._to_keep = _KEPT * len(tree)

    def _number_nodes(self, known: _Numbers) -> tuple[list[int], list[int]]:
        nodes, own = self.tree.nodes, self.numbers
        exact = list(map(known.exact.get, nodes, repeat(0)))
        labels = list(map(known.label.__getitem__, exact))
        offset = len(known.exact)
        for i in [i for i, number in enumerate(exact) if not number]:
            node = nodes[i]
            number = own.exact.get(node, 0)
            if not number:
                number = own.exact[node] = offset + len(own.exact) + 1
                key = (node.role, node.name, node.value, node.states, node.attributes)
                label = known.labels.get(key) or own.labels.setdefault(key, number)
                own.label.append(label)
                own.role.append(node.role)
            exact[i] = number
            labels[i] = own.label[number - offset]
        return exact, labels

    def _number_subtrees(self, known: _Numbers) -> list[int]:
        labels, ends, families = self.labels, self.ends, self.families
        base, own = known.subtrees, self.numbers.subtrees
        offset = len(base)
        numbers = labels.copy()
        for i, last in reversed(self.tree.last_children.items()):
            child, end = i + 1, ends[i]
            if child == last:
                family: tuple[int, ...] = (labels[i], numbers[child])
            else:
                members = [labels[i]]
                while child < end:
                    members.append(numbers[child])
                    child = ends[child]
                family = tuple(members)
            families[i] = family
            number = base.get(family)
            if number is None:
                number = own.setdefault(family, -1 - offset - len(own))
            numbers[i] = number
        return numbers

    def children(self, index: int) -> tuple[int, ...]:
        """The children of node `index`; most nodes are never asked for theirs."""
        return children_of(self.ends, index, self._children)

    def content(self, index: int) -> Content:
        """What is below node `index`."""
        found = self._contents.get(index)
        if found is None:
            end = self.ends[index]
            labels = self.labels[index + 1 : end]
            found = Content(Counter(labels), Counter(map(self._roles.__getitem__, labels)))
            if self._to_keep > 0:
                self._to_keep -= end - index
                self._contents[index] = found
        return found

    @cached_property
    def _roles(self) -> list[str]:
        """The role of each label."""
        return self._known.role + self.numbers.role[1:]

    @cached_property
    def paths(self) -> Paths:
        """The paths of the nodes, kept for the next diff against the same tree."""
        return Paths(self.tree, self._children)

    @cached_property
    def subtree_counts(self) -> Counter[int]:
        """How often each subtree occurs."""
        return Counter(self.subtrees)
