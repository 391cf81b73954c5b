"""Moves, found last: unmatched nodes of both sides that are the same thing in another place.

Only what can be recognised moves: a whole subtree, or a leaf whose name is unmistakable. A bare
text `3` that vanishes from one row and turns up in another is a coincidence, not a move.
"""

from __future__ import annotations

from systemzero_core.diff.affinity import UNIT, recognisable
from systemzero_core.diff.mapper import Mapper


def find_moves(mapper: Mapper) -> tuple[list[int], list[int]]:
    """Map the leftovers of `mapper` that moved, with what they hold.

    Returns:
        what is left over then, of `a` and of `b`, in document order.
    """
    a, b, mapping = mapper.a, mapper.b, mapper.mapping
    left, right = mapping.deleted(), mapping.inserted()
    if not left or not right:
        return left, right
    mapper.moving = True
    anywhere: dict[int, list[int]] = {}
    beside: dict[tuple[int, int], list[int]] = {}  # by parent, too
    for y in reversed(right):
        anywhere.setdefault(b.subtrees[y], []).append(y)
        beside.setdefault((b.subtrees[y], b.tree.parents[y]), []).append(y)
    movable = [x for x in left if a.subtrees[x] in anywhere and recognisable(a, x)]
    for x in movable:  # of several that are equal, the one that kept its parent moved the least
        parent = mapping.to_b[a.tree.parents[x]] if x else -1
        _move(mapper, x, beside.get((a.subtrees[x], parent), []))
    for x in movable:
        _move(mapper, x, anywhere[a.subtrees[x]])
    return mapping.deleted(), mapping.inserted()


def _move(mapper: Mapper, x: int, candidates: list[int]) -> None:
    mapping = mapper.mapping
    while candidates and mapping.to_b[x] < 0:
        y = candidates.pop()
        if mapping.to_a[y] < 0 and mapper.is_free(x, y):
            mapper.map_pair(*_whole(mapper, x, y))
            mapper.drain()


def _whole(mapper: Mapper, x: int, y: int) -> tuple[int, int]:
    """The largest pair of leftovers around the identical x and y that are mostly the same."""
    a, b, to_a, to_b = mapper.a, mapper.b, mapper.mapping.to_a, mapper.mapping.to_b
    up_x, up_y = a.tree.parents[x], b.tree.parents[y]
    while up_x >= 0 and up_y >= 0 and to_b[up_x] < 0 and to_a[up_y] < 0:
        if mapper.is_spent() or not _mostly_the_same(mapper, up_x, up_y):
            break
        x, y = up_x, up_y
        up_x, up_y = a.tree.parents[x], b.tree.parents[y]
    return x, y


def _mostly_the_same(mapper: Mapper, x: int, y: int) -> bool:
    """Whether the smaller subtree is for the most part found in the larger, and not lost in it."""
    if mapper.a.tree.nodes[x].role != mapper.b.tree.nodes[y].role:
        return False
    sizes = sorted((mapper.a.ends[x] - x, mapper.b.ends[y] - y))
    saved = mapper.affinity.score(x, y)
    return saved * 10 >= 14 * sizes[0] * UNIT and saved * 2 >= sizes[1] * UNIT
