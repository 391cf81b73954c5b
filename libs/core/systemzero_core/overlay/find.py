"""Which subtrees stand over the screen, told by one tree alone.

Either the role says so (`dialog`), or the subtree lies over others: it was taken out of the flow
(its box leaves its parent's, or lies across a sibling's), and what others show has its middle in
that box. What is laid out beside others does neither.

Invariants:
1. No overlay lies in another one; they are in document order; the root is none.
2. Of what boxes tell there are four at most, and the work is linear in the nodes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from systemzero_core.overlay.content import Content, around, is_seen
from systemzero_core.tree import Bounds, Tree

_ROLES: Final = frozenset(("alertdialog", "dialog"))
"""What has such a role stands over the screen, wherever it is laid out."""
_PARTS: Final = frozenset(
    ("cell", "columnheader", "gridcell", "listitem", "option", "row", "rowgroup", "rowheader")
)
"""What has such a role is laid out with others like it, whatever its box is."""
_SMALLEST: Final = 3
"""Nodes of an overlay that only its box tells, at least."""
_COVERED: Final = 3
"""Texts and controls of others that lie in its box, at least."""
_MOST: Final = 4
_WRAPPERS: Final = 4
_SIBLINGS: Final = 32
_OFF: Final = 4
"""Pixels by which boxes may lie across each other, as borders and shadows do."""


def overlays_of(tree: Tree) -> tuple[int, ...]:
    """The roots of what stands over the screen, in document order."""
    told = _told(tree)
    over = _lying_over(tree, told, _out_of_flow(tree)) if len(tree) else ()
    return tuple(sorted((*told, *over)))


def _told(tree: Tree) -> list[int]:
    """The outermost nodes whose role or state says that they stand over the screen."""
    says = [
        i
        for i, node in enumerate(tree.nodes)
        if node.role in _ROLES or (node.states and "modal" in node.states)
    ]
    found: list[int] = []
    for i in says:
        if i and not (found and i < tree.ends[found[-1]]):
            found.append(i)
    return found


def _lying_over(tree: Tree, told: Sequence[int], candidates: Sequence[int]) -> Iterator[int]:
    """First the one that covers most, then what covers without it, and so on."""
    taken = list(told)
    left = [i for i in candidates if not any(_related(tree, i, root) for root in told)]
    for _ in range(_MOST):
        content = Content.of(tree, taken) if left else None
        if content is None:
            return
        covered = {i: content.covered(tree, i) for i in left}
        best = max(left, key=lambda i: (covered[i], -i))
        if covered[best] < _COVERED:
            return
        yield best
        taken.append(best)
        left = [i for i in left if not _related(tree, i, best)]


def _out_of_flow(tree: Tree) -> list[int]:
    """What was laid out on its own: it has left its parent's box, or lies across siblings."""
    nodes, parents, ends = tree.nodes, tree.parents, tree.ends
    found: set[int] = set()
    beside: dict[int, list[int]] = {}  # how far siblings reach to the right and down; then they
    for i in tree.last_children:
        if ends[i] - i < _SMALLEST or i == 0 or (box := nodes[i].bounds) is None:
            continue
        parent = parents[i]
        if not is_seen(outer := nodes[parent].bounds):
            outer = nodes[parent := _around(tree, i)].bounds
        if parent and outer is not None and _left(box, outer):
            found.add(i)
        x, y, width, height = box
        before = beside.get(parent)
        if before is None:
            beside[parent] = [x + width, y + height, i]
            continue
        if y < before[1] - _OFF and x < before[0] - _OFF:  # neither below nor to the right of all
            across = [
                j
                for j in before[max(2, len(before) - _SIBLINGS) :]
                if _lie_across(box, _box(tree, j))
            ]
            found.update((i, *across) if across else ())
        before[:2] = max(before[0], x + width), max(before[1], y + height)
        before.append(i)
    return [i for i in sorted(found) if _is_candidate(tree, i)]


def _box(tree: Tree, i: int) -> Bounds:
    return tree.nodes[i].bounds or Bounds(0, 0, 0, 0)


def _around(tree: Tree, i: int) -> int:
    """The parent that `i` is laid out in: wrappers without a box are passed over, a few at most."""
    parent = tree.parents[i]
    for _ in range(_WRAPPERS):
        if parent <= 0 or is_seen(tree.nodes[parent].bounds):
            break
        parent = tree.parents[parent]
    return parent


def _left(box: Bounds, outer: Bounds) -> bool:
    """Whether `box` stands outside of `outer`, or sticks out both ways, but not from its corner.

    What sticks out one way, or from the corner, is long, and is scrolled in its parent.
    """
    x, y, width, height = box
    left, top, wide, high = outer
    across = x < left - _OFF or x + width > left + wide + _OFF
    along = y < top - _OFF or y + height > top + high + _OFF
    if not (across or along) or not is_seen(outer):
        return False
    if not _lie_across(box, outer):
        return True
    return across and along and (abs(x - left) > _OFF or abs(y - top) > _OFF)


def _lie_across(box: Bounds, other: Bounds) -> bool:
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return wide > _OFF and high > _OFF


def _is_candidate(tree: Tree, i: int) -> bool:
    """Whether a node is seen on the screen: a larger canvas is a part of it, seen through."""
    node, screen = tree.nodes[i], tree.nodes[0].bounds
    if node.role in _PARTS or node.bounds is None or not is_seen(node.bounds):
        return False
    if screen is None or not is_seen(screen):
        return True
    return around((node.bounds, screen)) == screen


def _related(tree: Tree, i: int, other: int) -> bool:
    """Whether one of the two is in the other."""
    return other <= i < tree.ends[other] or i <= other < tree.ends[i]
