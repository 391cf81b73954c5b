"""The paths of a tree's nodes."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from systemzero_core.diff.script import MAX_PATH_STEPS, PathStep
from systemzero_core.diff.walk import children_of
from systemzero_core.diff.ways import ABOVE, onward
from systemzero_core.tree import Tree

_ASKED_OFTEN = 4
"""Children asked for before all children of a parent are sorted by role and name."""


class Paths:
    """Paths of one tree's nodes. Steps are shared, so that a thousand edits of a list are cheap.

    May be read by several threads: what is remembered is always whole.
    """

    # Neither this nor what holds it may be part of a reference cycle: the trees of every judgement
    # would wait for the garbage collector, which then takes a tenth of the time.
    def __init__(self, tree: Tree, children: dict[int, tuple[int, ...]] | None = None) -> None:
        """Paths of `tree`; `children` holds those of the nodes that were asked for theirs."""
        self.tree = tree
        self._children = {} if children is None else children
        self._steps: dict[int, PathStep] = {}
        self._ways = {-1: ABOVE}
        self._asked: dict[int, int] = {}
        self._families: dict[int, dict[tuple[str, str], list[int]]] = {}

    def path(self, index: int, most: int = MAX_PATH_STEPS) -> tuple[PathStep, ...]:
        """The steps from the root to node `index`, at most the last `most`."""
        steps: list[PathStep] = []
        while index >= 0 and len(steps) < most:
            steps.append(self._steps.get(index) or self._step(index))
            index = self.tree.parents[index]
        steps.reverse()
        return tuple(steps)

    def way(self, index: int) -> bytes:
        """The digest of the whole way to node `index`; remembered, with those of all above it."""
        missing = []
        at = index
        while at not in self._ways:
            missing.append(at)
            at = self.tree.parents[at]
        for at in reversed(missing):
            step = self._steps.get(at) or self._step(at)
            self._ways[at] = onward(self._ways[self.tree.parents[at]], step)
        return self._ways[index]

    def siblings_before(self, index: int, most: int) -> Sequence[int]:
        """The siblings of node `index` before it, the nearest first; at most `most`."""
        parent = self.tree.parents[index]
        siblings = self._children_of(parent) if parent >= 0 else ()
        at = bisect_left(siblings, index)
        return siblings[max(0, at - most) : at][::-1]

    def _step(self, index: int) -> PathStep:
        node = self.tree.nodes[index]
        alike = self._alike(index, node.role, node.name)
        nth = bisect_left(alike, index) + 1 if len(alike) > 1 else 0
        step = self._steps[index] = PathStep(node.role, node.name, nth)
        return step

    def _children_of(self, index: int) -> tuple[int, ...]:
        return children_of(self.tree.ends, index, self._children)

    def _alike(self, index: int, role: str, name: str) -> Sequence[int]:
        """The siblings of node `index` that share its role and name, itself included."""
        tree = self.tree
        parent = tree.parents[index]
        families = self._families.get(parent)
        if families is not None:
            return families[role, name]
        asked = self._asked[parent] = self._asked.get(parent, 0) + 1
        nodes = tree.nodes
        siblings = self._children_of(parent) if parent >= 0 else (0,)
        if asked < _ASKED_OFTEN:
            return [c for c in siblings if nodes[c].name == name and nodes[c].role == role]
        sorted_: dict[tuple[str, str], list[int]] = {}
        for child in siblings:
            sorted_.setdefault((nodes[child].role, nodes[child].name), []).append(child)
        self._families[parent] = sorted_  # only now: other threads may be reading
        return sorted_[role, name]
