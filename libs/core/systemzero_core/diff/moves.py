"""Moves, last: what was left over on both sides and is the same thing in another place.

Only what can be recognised moves: a whole subtree, or a leaf whose name is unmistakable. A bare
text `3` that vanishes from one row and turns up in another is a coincidence, not a move.
"""

from __future__ import annotations

from collections import defaultdict

from systemzero_core.diff.affinity import UNIT, recognisable
from systemzero_core.diff.mapper import Mapper


def find_moves(mapper: Mapper) -> None:
    """Map the leftovers of `mapper` that moved, with what they hold."""
    left = _leftover(mapper.mapping.to_b)
    if not left:
        return
    mapper.moving = True
    waiting: dict[int, list[int]] = defaultdict(list)
    for y in reversed(_leftover(mapper.mapping.to_a)):
        waiting[mapper.b.subtrees[y]].append(y)
    for x in left:
        if mapper.a.subtrees[x] in waiting and recognisable(mapper.a, x):
            _move(mapper, x, waiting[mapper.a.subtrees[x]])


def _leftover(mapped: list[int]) -> list[int]:
    return [i for i, other in enumerate(mapped) if other < 0]


def _move(mapper: Mapper, x: int, candidates: list[int]) -> None:
    to_b = mapper.mapping.to_b
    while candidates and to_b[x] < 0:
        y = candidates.pop()
        if mapper.is_free(x, y):
            px, py = _whole(mapper, x, y)
            mapper.map_pair(px, py)
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
    if mapper.a.roles[x] != mapper.b.roles[y]:
        return False
    sizes = sorted((mapper.a.ends[x] - x, mapper.b.ends[y] - y))
    saved = mapper.affinity.score(x, y)
    return saved * 10 >= 14 * sizes[0] * UNIT and saved * 2 >= sizes[1] * UNIT
