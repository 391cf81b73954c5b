"""What of an Android dump is the system's own: bars beside the application's windows.

A dump of several windows holds the status bar, with its clock and battery, and the navigation bar.
A bar is a thin window at an edge of the screen, of com.android.systemui or, if it is a navigation
bar, of a launcher, beside another program's. It gets the role `SystemBar`, which the filter
`system-bar` takes out. A dialog of the system, a banner, or a sheet of any other program, however
thin, is seen and stays; so does a capture of the system's own screens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from systemzero_core.formats._values import SYSTEM_BAR, with_roles
from systemzero_core.normalize.role_tables import words
from systemzero_core.tree import Node, Tree

_SYSTEM_UI = "com.android.systemui"
_LAUNCHER = re.compile(r"launcher|^com\.miui\.home$")
_AROUND = words("hierarchy displays display window")
_THIN = 6
"""A bar is so many times longer than it is wide."""


def marked_bars(tree: Tree) -> Tree:
    """`tree` with the role of its system's bars told."""
    tops = {top: _package(tree, top) for top in _tops(tree)}
    main = tops[max(tops, key=lambda top: _area(tree.nodes[top]))] if tops else ""
    screen = screen_of(tree)
    bars = [
        _window(tree, top)
        for top, package in tops.items()
        if _has_bars(package, main) and _is_bar(tree.nodes[top], screen)
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


def _has_bars(package: str, main: str) -> bool:
    """Whether bars may be of `package`, beside a window of `main`: a launcher draws some."""
    return package == _SYSTEM_UI or (package != main and _LAUNCHER.search(package) is not None)


def _is_bar(node: Node, screen: tuple[int, int] | None) -> bool:
    """Whether `node` is thin and about as long as the edge of the screen that it lies at."""
    box = node.bounds
    if box is None or screen is None:
        return False
    width, height = screen
    flat = box.y <= 0 or box.y + box.height >= height
    upright = box.x <= 0 or box.x + box.width >= width
    return (flat and _is_along(box.height, box.width, width)) or (
        upright and _is_along(box.width, box.height, height)
    )


def _is_along(thick: int, long: int, edge: int) -> bool:
    return 0 < thick * _THIN <= long and long * 5 >= edge * 4


def _area(node: Node) -> int:
    return node.bounds.width * node.bounds.height if node.bounds is not None else 0
