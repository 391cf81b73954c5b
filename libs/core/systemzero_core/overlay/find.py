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
_SMALLEST: Final = 3
"""Nodes of an overlay that only its box tells, at least."""
_COVERED: Final = 3
"""Texts and controls of others that lie in its box, at least."""
_MOST: Final = 4
_WRAPPERS: Final = 4
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
    nodes, ends = tree.nodes, tree.ends
    found: set[int] = set()
    beside: dict[int, list[int]] = {}
    for i in tree.last_children:
        if ends[i] - i < _SMALLEST or i == 0 or (box := nodes[i].bounds) is None:
            continue
        parent = _around(tree, i)
        if parent and (outer := nodes[parent].bounds) is not None and _left(box, outer):
            found.add(i)
        x, y, width, height = box
        reached = beside.setdefault(parent, [x, y, i])
        if y < reached[1] - _OFF and x < reached[0] - _OFF:  # neither below nor to the right
            found.update((i, reached[2]))
        if y + height > reached[1]:
            reached[1:] = y + height, i
        reached[0] = max(reached[0], x + width)
    return [i for i in sorted(found) if is_seen(nodes[i].bounds) and _fits(tree, i)]


def _fits(tree: Tree, i: int) -> bool:
    """Whether a node lies on the screen: a canvas that is larger is a part of it, seen through."""
    box, screen = tree.nodes[i].bounds, tree.nodes[0].bounds
    if box is None or screen is None or not is_seen(screen):
        return True
    return around((box, screen)) == screen


def _around(tree: Tree, i: int) -> int:
    """The parent that `i` is laid out in: wrappers without a box are passed over, a few at most."""
    parent = tree.parents[i]
    for _ in range(_WRAPPERS):
        if parent <= 0 or is_seen(tree.nodes[parent].bounds):
            break
        parent = tree.parents[parent]
    return parent


def _left(box: Bounds, outer: Bounds) -> bool:
    """Whether `box` stands outside of `outer`, or sticks out both ways.

    What sticks out one way is long, and is scrolled in its parent.
    """
    x, y, width, height = box
    left, top, wide, high = outer
    right, bottom = left + wide + _OFF, top + high + _OFF
    across = x < left - _OFF or x + width > right
    along = y < top - _OFF or y + height > bottom
    if not (across or along) or not is_seen(outer):
        return False
    return (across and along) or not _lie_across(box, outer)


def _lie_across(box: Bounds, other: Bounds) -> bool:
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return wide > _OFF and high > _OFF


def _related(tree: Tree, i: int, other: int) -> bool:
    """Whether one of the two is in the other."""
    return other <= i < tree.ends[other] or i <= other < tree.ends[i]
