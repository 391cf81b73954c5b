"""What of an Android dump is the system's own: bars beside the application's windows.

A dump of several windows holds the status bar, with its clock and battery, and the navigation bar.
They are known by their place: a window of com.android.systemui beside another program's, or a thin
one of another program than the largest. Such a window gets the role `SystemBar`, which the filter
`system-bar` takes out; a capture of the system's own screens stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator

from systemzero_core.formats._values import SYSTEM_BAR, with_roles
from systemzero_core.normalize.role_tables import words
from systemzero_core.tree import Node, Tree

_SYSTEM_UI = "com.android.systemui"
_AROUND = words("hierarchy displays display window")
_THIN = 6
"""A bar is so many times longer than it is wide."""


def marked_bars(tree: Tree) -> Tree:
    """`tree` with the role of its system's bars told."""
    tops = {top: _package(tree, top) for top in _tops(tree)}
    others = [top for top, package in tops.items() if package != _SYSTEM_UI]
    main = tops[max(others, key=lambda top: _area(tree.nodes[top]))] if others else None
    bars = [
        _window(tree, top)
        for top, package in tops.items()
        if _is_bar(tree.nodes[top], package, main)
    ]
    return with_roles(tree, dict.fromkeys(bars, SYSTEM_BAR))


def screen_of(tree: Tree) -> tuple[int, int] | None:
    """The size that the root tells, else how far its windows reach."""
    boxes = [node.bounds for node in tree.nodes[:1] if node.bounds is not None]
    boxes = boxes or [box for top in _tops(tree) if (box := tree.nodes[top].bounds) is not None]
    if not boxes:
        return None
    return max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)


def _tops(tree: Tree) -> Iterator[int]:
    """The outermost views: those with nothing but windows around them."""
    around = bytearray(len(tree))
    for i, (node, parent) in enumerate(zip(tree.nodes, tree.parents, strict=True)):
        if i == 0 or around[parent]:
            around[i] = node.role in _AROUND
            if not around[i]:
                yield i


def _window(tree: Tree, top: int) -> int:
    """The window that holds nothing but the view `top`, else the view."""
    parent = tree.parents[top]
    while parent > 0 and tree.nodes[parent].role == "hierarchy":
        parent = tree.parents[parent]
    return parent if parent > 0 and tree.nodes[parent].role == "window" else top


def _package(tree: Tree, top: int) -> str:
    for node in tree.nodes[top : tree.ends[top]]:
        package = node.attribute("package")
        if package:
            return package
    return ""


def _is_bar(node: Node, package: str, main: str | None) -> bool:
    if package == _SYSTEM_UI and main is not None:
        return True
    return package not in ("", main) and _is_thin(node) and (main or package) != ""


def _is_thin(node: Node) -> bool:
    if node.bounds is None:
        return False
    short, long = sorted(node.bounds[2:])
    return 0 < short * _THIN <= long


def _area(node: Node) -> int:
    return node.bounds.width * node.bounds.height if node.bounds is not None else 0
