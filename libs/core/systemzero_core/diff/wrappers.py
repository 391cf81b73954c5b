"""Wrappers: a node inserted around others, or taken away from around them.

A wrapper shows in that its children find more among the nodes of the other side than it does
itself. It is then opened: its children stand in its place, and it is inserted (deleted) alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from systemzero_core.diff.affinity import UNIT, Affinity
from systemzero_core.diff.sequences import heaviest_alignment

_MAX_LEVELS = 6
"""Wrappers around wrappers that are seen through at once."""

_MAX_CELLS = 2_000
"""Pairs of nodes that are weighed to look through one level."""

_Score = Callable[[int, int], int]
_Family = Sequence[Sequence[int]]


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
    total_left = sum(a.ends[x] - x for x in left)
    total_right = sum(b.ends[y] - y for y in right)
    for k, y in enumerate(right):
        most = min(total_left, b.ends[y] - y)
        if b.tree.nodes[y].name and any(a.labels[x] == b.labels[y] for x in left):
            continue  # named alike: the same node, even if something moved into it
        alike = [x for x in left if a.roles[x] == b.roles[y]]
        if _settled(alike, y, right, affinity.score, most):
            continue
        levels = _levels(y, b.children, left, affinity.score)
        if levels:
            return left, [*right[:k], *_opened(levels, b.children), *right[k + 1 :]]
    for k, x in enumerate(left):
        most = min(total_right, a.ends[x] - x)
        if a.tree.nodes[x].name and any(a.labels[x] == b.labels[y] for y in right):
            continue
        alike = [y for y in right if b.roles[y] == a.roles[x]]
        if _settled(alike, x, left, flipped, most):
            continue
        levels = _levels(x, a.children, right, flipped)
        if levels:
            return [*left[:k], *_opened(levels, a.children), *left[k + 1 :]], right
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
    if not children[node]:
        return []
    best = max(score(other, node) for other in others)
    chosen: list[int] = []
    path: list[int] = []
    while children[node] and len(path) < _MAX_LEVELS:
        path.append(node)
        inside = children[node]
        if len(inside) * len(others) > _MAX_CELLS:
            break
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
        nodes[at : at + 1] = children[node]
    return nodes
