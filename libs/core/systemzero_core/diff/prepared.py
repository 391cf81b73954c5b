"""A tree made ready for comparison: equal subtrees have equal numbers, in both trees.

Hash-consing (Ershov, CACM 1(8), 1958): a subtree's number is looked up by its root's label and its
children's numbers, so numbers are exact, not hashes that may collide. Boxes and the platform's own
role take no part: a page that shifted by a line is the same page, box by box different.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from functools import cached_property

from systemzero_core.diff.describe import Paths
from systemzero_core.diff.walk import neighbours
from systemzero_core.tree import Tree


class Prepared:
    """One tree with its labels and subtrees numbered.

    A baseline that many captures are compared with is prepared once and passed to `diff` in place
    of the tree.

    Attributes:
        tree: the tree.
        labels: for each node the number of its label (role, name, value, states, attributes).
        subtrees: for each node the number of the subtree under it, itself included.
    """

    def __init__(self, tree: Tree, base: Prepared | None = None) -> None:
        """Number `tree`; with the numbers of `base` for what occurs there."""
        self.tree = tree
        self._base_labels: dict[Hashable, int] = base.label_numbers if base else {}
        self._base_subtrees: dict[Hashable, int] = base.subtree_numbers if base else {}
        self.label_numbers: dict[Hashable, int] = {}
        self.subtree_numbers: dict[Hashable, int] = {}
        self.ends = tree.ends
        self._children: dict[int, tuple[int, ...]] = {}
        self.labels = self._number_labels()
        self.subtrees = self._number_subtrees()

    def _number_labels(self) -> list[int]:
        base, own = self._base_labels, self.label_numbers
        offset = len(base)
        numbers: list[int] = []
        for node in self.tree.nodes:
            key = (node.role, node.name, node.value, node.states, node.attributes)
            number = base.get(key)
            numbers.append(own.setdefault(key, offset + len(own)) if number is None else number)
        return numbers

    def _number_subtrees(self) -> list[int]:
        base, own = self._base_subtrees, self.subtree_numbers
        offset = len(base)
        labels, ends = self.labels, self.ends
        numbers = [0] * len(labels)
        for i in range(len(labels) - 1, -1, -1):
            key: Hashable = labels[i]
            child, end = i + 1, ends[i]
            if child < end:
                parts = [labels[i]]
                while child < end:
                    parts.append(numbers[child])
                    child = ends[child]
                key = tuple(parts)
            number = base.get(key)
            numbers[i] = own.setdefault(key, offset + len(own)) if number is None else number
        return numbers

    def children(self, index: int) -> tuple[int, ...]:
        """The children of node `index`; most nodes are never asked for theirs."""
        found = self._children.get(index)
        if found is None:
            found = self._children[index] = tuple(
                neighbours(self.ends, index + 1, self.ends[index])
            )
        return found

    @cached_property
    def paths(self) -> Paths:
        """The paths of the nodes, kept for the next diff against the same tree."""
        return Paths(self.tree)

    @cached_property
    def roles(self) -> list[str]:
        """For each node its role."""
        return [node.role for node in self.tree.nodes]

    @cached_property
    def subtree_counts(self) -> Counter[int]:
        """How often each subtree occurs."""
        return Counter(self.subtrees)
