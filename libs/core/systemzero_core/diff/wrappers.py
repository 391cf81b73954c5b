"""Wrappers: a node inserted around others, or taken away from around them.

A wrapper shows in that its children find more among the nodes of the other side than it does
itself. It is then opened: its children stand in its place, and it is inserted (deleted) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from systemzero_core.diff.affinity import UNIT, Affinity
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
    total = sum(other.ends[i] - i for i in others)
    for k, node in enumerate(nodes):
        if own.ends[node] == node + 1:
            continue
        alike = [i for i in others if other.roles[i] == own.roles[node]]
        most = min(total, own.ends[node] - node)
        if _settled(alike, node, nodes, score, most):
            continue
        levels = _levels(node, own.children, others, score)
        if levels:
            return [*nodes[:k], *_opened(levels, own.children), *nodes[k + 1 :]]
    return None


def _settled(
    alike: Sequence[int], node: int, siblings: Sequence[int], score: _Score, most: int
) -> bool:
    """Whether one of `alike` is so clearly the same node that nothing is to be gained.

    Args:
        alike: the nodes of the other side that have the same role.
        node: the suspected wrapper.
        siblings: the nodes of its side.
        score: of a node of `alike` and `node`.
        most: nodes that both sides have at most in common.
    """
    for other in alike:
        value = score(other, node)
        if value * 5 >= most * 2 * UNIT * 4:
            return all(score(other, sibling) <= value for sibling in siblings)
    return False


def _levels(node: int, children: _Family, others: Sequence[int], score: _Score) -> list[int]:
    """The nodes to open, outermost first, to match `others` best; empty to keep `node` whole.

    Args:
        node: the suspected wrapper.
        children: of each node of its side.
        others: the nodes of the other side in the same gap.
        score: of a node of `others` and one of this side.
    """
    best = max(score(other, node) for other in others)
    chosen: list[int] = []
    path: list[int] = []
    while len(path) < _MAX_LEVELS:
        inside = children(node)
        if not inside or len(inside) * len(others) > _MAX_CELLS:
            break
        path.append(node)
        table = [[score(other, child) for child in inside] for other in others]
        value = sum(table[p][q] for p, q in heaviest_alignment(table))
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
