"""What is seen on a screen, counted in a grid: how much of it lies in a box.

A count is too low by what stands in the outermost cells of the box, and never too high.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate, pairwise
from operator import add
from typing import Final, NamedTuple

from systemzero_core.tree import Bounds, Tree

_CELLS: Final = 64
"""Rows and columns of the grid."""


class Content(NamedTuple):
    """The leaves that are seen.

    Attributes:
        screen: the box of all.
        before: for each node, and the end, how many of them stand before it.
        sums: for each corner of the grid, how many lie above it and to its left.
    """

    screen: Bounds
    before: Sequence[int]
    sums: Sequence[Sequence[int]]

    @classmethod
    def of(cls, tree: Tree, without: Sequence[int]) -> Content | None:
        """The leaves outside of the subtrees `without`; None where there are none."""
        hidden = bytearray(len(tree))
        for root in without:
            hidden[root : tree.ends[root]] = b"\1" * (tree.ends[root] - root)
        for i in tree.last_children:
            hidden[i] = 1
        leaves = [
            None if hides or not is_seen(node.bounds) else node.bounds
            for node, hides in zip(tree.nodes, hidden, strict=True)
        ]
        boxes = [box for box in leaves if box is not None]
        if not boxes:
            return None
        screen = around(boxes)
        before = [0, *accumulate(box is not None for box in leaves)]
        return cls(screen, before, _sums(boxes, screen))

    def covered(self, tree: Tree, i: int) -> int:
        """Leaves of others in the box of node `i`; none where most of what is seen is its own."""
        box = tree.nodes[i].bounds
        own = self.before[tree.ends[i]] - self.before[i]
        if box is None or 2 * own > self.before[-1]:
            return 0
        return self._inside(box) - own

    def _inside(self, box: Bounds) -> int:
        """How many have their middle in the cells that lie wholly in `box`."""
        x, y, width, height = self.screen
        left, right = _cells(box.x - x, box.width, width)
        top, bottom = _cells(box.y - y, box.height, height)
        if left >= right or top >= bottom:
            return 0
        sums = self.sums
        return sums[bottom][right] - sums[top][right] - sums[bottom][left] + sums[top][left]


def is_seen(box: Bounds | None) -> bool:
    """Whether there is a box of some pixels: one of a single pixel is there to be heard alone."""
    return box is not None and box.width > 1 and box.height > 1


def around(boxes: Iterable[Bounds]) -> Bounds:
    """The box around all."""
    held = list(boxes)
    left, top = min([box.x for box in held]), min([box.y for box in held])
    right = max([box.x + box.width for box in held])
    bottom = max([box.y + box.height for box in held])
    return Bounds(left, top, right - left, bottom - top)


def _cells(start: int, length: int, whole: int) -> tuple[int, int]:
    """From which cell to which one a stretch of the screen holds them whole."""
    first, last = -(-start * _CELLS // whole), (start + length) * _CELLS // whole
    return max(0, first), min(last, _CELLS)


def _sums(boxes: Iterable[Bounds], screen: Bounds) -> list[list[int]]:
    counts = [[0] * (_CELLS + 1) for _ in range(_CELLS + 1)]
    for box in boxes:
        column = _middle(box.x - screen.x, box.width, screen.width)
        row = _middle(box.y - screen.y, box.height, screen.height)
        counts[row + 1][column + 1] += 1
    sums = [list(accumulate(row)) for row in counts]
    for above, below in pairwise(sums):
        below[:] = map(add, above, below)
    return sums


def _middle(start: int, length: int, whole: int) -> int:
    return min((2 * start + length) * _CELLS // (2 * whole), _CELLS - 1)
