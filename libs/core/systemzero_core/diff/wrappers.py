"""Wrappers: a node inserted around others, or taken away from around them.

A wrapper shows in that its children find more among the nodes of the other side than it does
itself. It is then opened: its children stand in its place, and it is inserted (deleted) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from systemzero_core.diff.affinity import WHOLE, Affinity
from systemzero_core.diff.prepared import Prepared
from systemzero_core.diff.sequences import heaviest_alignment

_MAX_LEVELS = 6
"""Wrappers around wrappers that are seen through at once."""

_MAX_CELLS = 2_000
"""Pairs of nodes that are weighed to look through one level."""

_Score = Callable[[int, int], int]
_Family = Callable[[int], Sequence[int]]


def open_wrapper(
    affinity: Affinity, left: Sequence[int], right: Sequence[int]
) -> tuple[Sequence[int], Sequence[int]] | None:
    """The two lists with one wrapper, of either side, opened; None if there is none.

    Args:
        affinity: what tells how much two nodes have in common.
        left: siblings in `a`.
        right: the siblings in `b` that stand in the same gap.
    """

    def flipped(y: int, x: int) -> int:
        return affinity.score(x, y)

    a, b = affinity.a, affinity.b
    affinity.steps += len(left) * len(right) // 8
    if affinity.steps > affinity.budget:
        return None
    opened = _with_one_opened(b, right, a, left, affinity.score)
    if opened is not None:
        return left, opened
    opened = _with_one_opened(a, left, b, right, flipped)
    return None if opened is None else (opened, right)


def _with_one_opened(
    own: Prepared, nodes: Sequence[int], other: Prepared, others: Sequence[int], score: _Score
) -> list[int] | None:
    """`nodes` with the first wrapper among them opened; None if there is none."""
    inner = [k for k, node in enumerate(nodes) if node in own.families]
    if not inner:
        return None
    sides = _Sides(own, other, others, score)
    for k in inner:
        levels = sides.levels(nodes[k]) if not sides.is_settled(nodes[k], nodes) else ()
        if levels:
            return [*nodes[:k], *_opened(levels, own.children), *nodes[k + 1 :]]
    return None


class _Sides:
    """The side of a suspected wrapper, and the other one.

    Bounds spare most of the weighing: two nodes share no more than the smaller one has.
    """

    def __init__(
        self, own: Prepared, other: Prepared, others: Sequence[int], score: _Score
    ) -> None:
        """`score` is of a node of `others`, siblings of the other side, and one of this side."""
        self._own = own
        self._other = other
        self._others = others
        self._score = score
        self._sizes = [other.ends[i] - i for i in others]

    def is_settled(self, node: int, siblings: Sequence[int]) -> bool:
        """Whether one of the others is so clearly `node` that nothing is to be gained."""
        ends, nodes = self._own.ends, self._other.tree.nodes
        role = self._own.tree.nodes[node].role
        most = min(sum(self._sizes), ends[node] - node)
        for other, size in zip(self._others, self._sizes, strict=True):
            if nodes[other].role != role or size * 5 < most * 4:
                continue
            value = self._score(other, node)
            if value * 5 >= most * WHOLE * 4:
                return all(
                    min(ends[i] - i, size) * WHOLE <= value or self._score(other, i) <= value
                    for i in siblings
                )
        return False

    def levels(self, node: int) -> Sequence[int]:
        """The nodes to open, outermost first, to match the others best; none to keep it whole."""
        own, others, score = self._own, self._others, self._score
        best = max([score(other, node) for other in others])
        chosen: list[int] = []
        path: list[int] = []
        while len(path) < _MAX_LEVELS:
            inside = own.children(node)
            if not inside or len(inside) * len(others) > _MAX_CELLS:
                break
            largest = max([own.ends[child] - child for child in inside])
            if sum([min(size, largest) for size in self._sizes]) * WHOLE <= best:
                break
            path.append(node)
            table = [[score(other, child) for child in inside] for other in others]
            value = sum([table[p][q] for p, q in heaviest_alignment(table)])
            if value > best:
                best = value
                chosen = path.copy()
            tops = list(map(max, zip(*table, strict=True)))
            node = inside[tops.index(max(tops))]
        return chosen


def _opened(levels: Sequence[int], children: _Family) -> list[int]:
    nodes = [levels[0]]
    for node in levels:
        at = nodes.index(node)
        nodes[at : at + 1] = children(node)
    return nodes
