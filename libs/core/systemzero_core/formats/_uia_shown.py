"""What of a Windows program is not shown, and what is merely scrolled away.

UI Automation has one word for both, `IsOffscreen`. What lies beyond the box of what holds it is
scrolled away, and so is what has no box in something that scrolls: state `offscreen`, a moment. All
else is not shown: `hidden`. In a minimised window, whose root is off the screen itself, nothing is.
"""

from __future__ import annotations

import re

from msgspec.structs import replace

from systemzero_core.formats._values import SYSTEM_BAR, with_roles
from systemzero_core.normalize.role_tables import words
from systemzero_core.tree import Bounds, Node, Tree

_SCROLLING = words("DataGrid Document List ScrollViewer Table Tree")
_SCROLL_BAR = "ScrollBar"
_TASKBAR = re.compile(r"Shell_(?:Secondary)?TrayWnd")
_BAR_CLASS = re.compile(r"(?:WindowsForms10\.)?\w{0,40}ScrollBar\b", re.IGNORECASE | re.ASCII)
_ANY = words("Custom Group Pane Slider")


def with_hidden(tree: Tree) -> Tree:
    """`tree` with what is not shown told, and with scroll bars and the task bar known as such."""
    bars = {i: role for i, node in enumerate(tree.nodes) if i and (role := _bar(node))}
    tree = with_roles(tree, bars)
    off = [i for i, node in enumerate(tree.nodes) if "offscreen" in node.states]
    if not off or off[0] == 0:
        return tree
    scrolled = _scrolled(tree)
    nodes, seen = list(tree.nodes), _seen_boxes(tree)
    for i in off:
        above = nodes[tree.parents[i]]
        around = seen[tree.parents[i]]
        stands = _stands(nodes[i].bounds, around, scrolls=bool(scrolled[i]))
        stands = stands and "offscreen" not in above.states  # it is scrolled with what holds it
        if stands or "hidden" in above.states:
            states = {*nodes[i].states, "hidden"} - {"offscreen"}
            nodes[i] = replace(nodes[i], states=tuple(sorted(states)))
    return Tree(nodes, tree.parents)


def _scrolled(tree: Tree) -> bytearray:
    """For each node, whether it lies in something that scrolls."""
    scrolls = bytearray(len(tree))
    for i, node in enumerate(tree.nodes):
        if node.role in _SCROLLING:
            scrolls[i] = 1
        elif node.role == _SCROLL_BAR and i:
            scrolls[tree.parents[i]] = 1
    within = bytearray(len(tree))
    for i in range(1, len(tree)):
        parent = tree.parents[i]
        within[i] = within[parent] or scrolls[parent]
    return within


def _seen_boxes(tree: Tree) -> list[Bounds | None]:
    """What of each node's box lies within all that is around it; None where no box is known."""
    seen: list[Bounds | None] = []
    for node, parent in zip(tree.nodes, tree.parents, strict=True):
        around = seen[parent] if parent >= 0 else None
        seen.append(
            _common(node.bounds, around) if node.bounds and around else node.bounds or around
        )
    return seen


def _common(one: Bounds, other: Bounds) -> Bounds:
    x, y = max(one.x, other.x), max(one.y, other.y)
    right = min(one.x + one.width, other.x + other.width)
    below = min(one.y + one.height, other.y + other.height)
    return Bounds(x, y, max(0, right - x), max(0, below - y))


def _stands(inner: Bounds | None, outer: Bounds | None, *, scrolls: bool) -> bool:
    """Whether what is off the screen is not there, and not merely scrolled away."""
    if scrolls and (inner is None or outer is None or not inner.width or not inner.height):
        return False  # a long list has no boxes for what it does not show
    return _is_within(inner, outer)


def _is_within(inner: Bounds | None, outer: Bounds | None) -> bool:
    """Whether `inner` is no box at all, or lies at least in part within `outer`."""
    if inner is None or outer is None or not inner.width or not inner.height:
        return True
    beside = inner.x >= outer.x + outer.width or inner.x + inner.width <= outer.x
    return not (beside or inner.y >= outer.y + outer.height or inner.y + inner.height <= outer.y)


def _bar(node: Node) -> str | None:
    """The role of a bar that comes under another one, by its class; None for all else."""
    if node.role not in _ANY:
        return None
    name = node.attribute("class") or ""
    if _TASKBAR.fullmatch(name):
        return SYSTEM_BAR
    return _SCROLL_BAR if _BAR_CLASS.match(name) else None
