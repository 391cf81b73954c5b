"""Which changes of boxes count: none that follow from something else, and a shift only once.

1. Where the viewport itself changed, no box is comparable.
2. A box follows its text, its node's move and its parent's shift: those are told by themselves.
3. Where rows of data came or went, what shifts or stretches downwards follows them.
4. The boxes of siblings that change together are one change of the panel they stand in.
Everything is linear in the number of changed boxes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from systemzero_core.diff import Change, Edit, EditKind, EditScript
from systemzero_core.tree import Bounds, Tree


class Delta(NamedTuple):
    """How a box differs, in pixels."""

    x: int
    y: int
    width: int
    height: int

    def exceeds(self, tolerance: int) -> bool:
        """Whether some edge is off by more than `tolerance`."""
        return (
            abs(self.x) > tolerance
            or abs(self.y) > tolerance
            or abs(self.x + self.width) > tolerance
            or abs(self.y + self.height) > tolerance
        )


def delta_of(change: Change) -> Delta | None:
    """The difference of a change of bounds; None where one side has no box."""
    old, new = change.old, change.new
    if not isinstance(old, Bounds) or not isinstance(new, Bounds):
        return None
    return Delta(new.x - old.x, new.y - old.y, new.width - old.width, new.height - old.height)


class BoxJudge:
    """Decides about the boxes of one script.

    Attributes:
        comparable: whether they are boxes of screens of one width.
    """

    def __init__(
        self, script: EditScript, baseline: Tree, capture: Tree, *, grown: bool = False
    ) -> None:
        """`grown` tells that rows of data came or went, which shifts what is below them."""
        self._grown = grown
        self._baseline = baseline
        self.comparable = _same_viewport(baseline, capture)
        self._deltas = _deltas(script.edits) if self.comparable else {}
        self._moved = _slices(baseline, script.edits)

    def counts(self, edit: Edit, tolerance: int) -> bool:
        """Whether the changed box of an update counts by itself."""
        delta = self._deltas.get(edit.node)
        if delta is None or not delta.exceeds(tolerance):
            return False
        if self._grown and delta.x == 0 == delta.width:
            return False
        return edit.node not in self._moved and not self._follows_parent(edit.node, delta)

    def follows(self, change: Change, tolerance: int) -> bool:
        """Whether a box that does not count by itself differs, as part of another change."""
        if not self.comparable:
            return False
        delta = delta_of(change)
        return delta is None or delta.exceeds(tolerance)

    def delta(self, edit: Edit) -> Delta | None:
        """By how much the box of an edited node differs; None where it is not comparable."""
        return self._deltas.get(edit.node)

    def _follows_parent(self, node: int, delta: Delta) -> bool:
        parent = self._baseline.parents[node]
        theirs = self._deltas.get(parent)
        return (
            theirs is not None
            and delta.width == 0 == delta.height
            and (delta.x, delta.y) == (theirs.x, theirs.y)
        )


def _deltas(edits: Iterable[Edit]) -> Mapping[int, Delta]:
    found: dict[int, Delta] = {}
    for edit in edits:
        for change in edit.changes:
            if change.field == "bounds" and (delta := delta_of(change)):
                found[edit.node] = delta
    return found


def _same_viewport(baseline: Tree, capture: Tree) -> bool:
    if not len(baseline) or not len(capture):
        return False
    old, new = baseline.nodes[0].bounds, capture.nodes[0].bounds
    if old is None or new is None:
        return True
    # Pages grow downwards with their content; the width is what the window gives.
    return old.width == new.width


def _slices(tree: Tree, edits: Iterable[Edit]) -> frozenset[int]:
    """The nodes of all moved subtrees."""
    found: set[int] = set()
    # Outer subtrees first, so that one within another is not walked again.
    for root in sorted(edit.node for edit in edits if edit.kind is EditKind.MOVE):
        if root not in found:
            found.update(range(root, tree.ends[root]))
    return frozenset(found)
