"""Nodes deleted and inserted that are one node whose text went from one allowed to another.

A diff cannot know that two unlike texts are one live text; the policy does. They pair one to one
under the same surviving ancestor, by role and wildcard, in document order.

1. What pairs differs in nothing but what the policy lets vary: a wildcard for the name lets no
   state, value or address pass.
2. Where its parent survives and the order there counts, it stands behind the same sibling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from systemzero_core.diff import Change, Edit, EditKind, EditScript
from systemzero_core.diff.edits import changes_between
from systemzero_core.diff.walk import neighbours
from systemzero_core.template.resolve import Effective, PolicyView
from systemzero_core.template.selecting import Reader
from systemzero_core.tree import Tree

_Key = tuple[int, str, str]
"""The surviving ancestor, in the capture; role; wildcard."""
_UNPLACED = ("bounds",)
"""What two nodes may differ in that are one: the box goes with the text."""


class Swaps:
    """The pairs of one script."""

    def __init__(
        self,
        script: EditScript,
        trees: tuple[Tree, Tree],
        views: tuple[PolicyView, PolicyView],
        reader: Reader,
        counts: Callable[[Change, Effective], bool],
        stays: Callable[[int], bool],
    ) -> None:
        """`counts`: of a change, but of a box; `stays`: of a node, to keep its place."""
        self._script = script
        self._trees = trees
        self._views = views
        self._reader = reader
        self._counts = counts
        self._stays = stays
        self._sources = script.sources()
        self._before: tuple[dict[int, dict[int, int]], ...] = ({}, {})

    def found(self) -> frozenset[tuple[int, int]]:
        """(0, node of the baseline) and (1, node of the capture) of all pairs."""
        gone: dict[_Key, list[int]] = {}
        come: dict[_Key, list[int]] = {}
        for edit in self._script.edits:
            if edit.kind is EditKind.DELETE:
                self._note(0, edit, gone)
            elif edit.kind is EditKind.INSERT:
                self._note(1, edit, come)
        pairs: set[tuple[int, int]] = set()
        for key, old in gone.items():
            for a, b in zip(old, come.get(key, ()), strict=False):
                if self._is_one(a, b):
                    pairs.update(((0, a), (1, b)))
        return frozenset(pairs)

    def _note(self, side: int, edit: Edit, into: dict[_Key, list[int]]) -> None:
        top: dict[int, int] = {}
        mapping = self._script.mapping
        for node, place in zip(edit.nodes, edit.places, strict=True):
            above = top[place.at] = top.get(place.parent, place.parent)
            pattern = self._views[side].at(place.at).name
            if pattern is None or not self._reader.keeps(node.name, pattern):
                continue
            if side == 0 and above >= 0:
                above = mapping[above]
            into.setdefault((above, node.role, pattern.source), []).append(place.at)

    def _is_one(self, old: int, new: int) -> bool:
        effective = self._views[0].at(old)
        changes = changes_between(self._trees[0].nodes[old], self._trees[1].nodes[new])
        differs = (c for c in changes if c.field not in _UNPLACED)
        return self._stands(old, new) and not any(self._counts(c, effective) for c in differs)

    def _stands(self, old: int, new: int) -> bool:
        """Whether both stand at one place, as far as their parents are one and keep an order."""
        above, below = self._trees[0].parents[old], self._trees[1].parents[new]
        if above < 0 or self._script.mapping[above] != below or self._views[0].at(above).unordered:
            return True
        return self._sibling(0, above, old) == self._sibling(1, below, new)

    def _sibling(self, side: int, parent: int, node: int) -> int:
        """The nearest sibling before a node that stays, as in the baseline; -1 without one."""
        known = self._before[side]
        if parent not in known:
            known[parent] = dict(self._siblings(side, parent))
        return known[parent][node]

    def _siblings(self, side: int, parent: int) -> Iterator[tuple[int, int]]:
        ends, last = self._trees[side].ends, -1
        for child in neighbours(ends, parent + 1, ends[parent]):
            yield child, last
            source = child if side == 0 else self._sources[child]
            if source >= 0 and self._script.mapping[source] >= 0 and self._stays(source):
                last = source
