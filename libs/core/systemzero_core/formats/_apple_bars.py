"""What of an iOS page source is no part of the screen: scroll bars and the status bar.

XCUITest reports a scroll bar as `XCUIElementTypeOther`, named in the language of the device. It is
known by its place: it comes last in what scrolls, it is thin, its value is a percentage and its
name counts pages. It gets the type that Apple has for scroll bars, so that the filter `scrollbar`
takes it out. A window as low as a status bar, on top of the screen, gets the status bar's.
"""

from __future__ import annotations

import re

from systemzero_core.characters import known
from systemzero_core.formats._values import with_roles
from systemzero_core.normalize.role_tables import words
from systemzero_core.tree import Node, Tree

_OTHER = "XCUIElementTypeOther"
_WINDOW = "XCUIElementTypeWindow"
_APPLICATION = "XCUIElementTypeApplication"
_SCROLL_BAR = "XCUIElementTypeScrollBar"
_STATUS_BAR = "XCUIElementTypeStatusBar"
_SCROLLING = words("""
    XCUIElementTypeCollectionView XCUIElementTypeScrollView XCUIElementTypeTable
    XCUIElementTypeTextView XCUIElementTypeWebView
""")
_PERCENTAGE = re.compile(r"[%٪]?\s{0,3}\d{1,3}(?:[.,]\d{1,2})?\s{0,3}[%٪]?")
_DIGIT = re.compile(r"\d")
_THICKEST = 44  # points: what a finger needs
_HIGHEST_STATUS_BAR = 64


def marked_bars(tree: Tree) -> Tree:
    """`tree` with scroll bars and status bars told."""
    roles: dict[int, str] = {}
    for i in range(len(tree) - 1, 0, -1):  # later siblings first
        if _is_scroll_bar(tree, i, roles):
            roles[i] = _SCROLL_BAR
        elif _is_status_window(tree.nodes[i], tree.nodes[tree.parents[i]]):
            roles[i] = _STATUS_BAR
    return with_roles(tree, roles)


def _is_scroll_bar(tree: Tree, i: int, found: dict[int, str]) -> bool:
    node, after, parent = tree.nodes[i], tree.ends[i], tree.parents[i]
    if node.role != _OTHER or not _DIGIT.search(known(node.name)) or not _is_percentage(node.value):
        return False
    comes_last = after == tree.ends[parent] or found.get(after) == _SCROLL_BAR
    scrolls = tree.nodes[parent].role in _SCROLLING or found.get(after) == _SCROLL_BAR
    parts = tree.nodes[i + 1 : min(after, i + 4)]
    return comes_last and scrolls and _is_thin(node) and not any(part.name for part in parts)


def _is_percentage(value: str) -> bool:
    return (
        len(value) < 12
        and ("%" in value or "٪" in value)
        and bool(_PERCENTAGE.fullmatch(known(value)))
    )


def _is_thin(node: Node) -> bool:
    if node.bounds is None:
        return True
    short, long = sorted(node.bounds[2:])
    return short <= _THICKEST and short * 2 <= long


def _is_status_window(node: Node, parent: Node) -> bool:
    box, screen = node.bounds, parent.bounds
    if node.role != _WINDOW or parent.role != _APPLICATION or box is None or screen is None:
        return False
    at_top = (box.x, box.y) == (0, 0) and 0 < box.height <= _HIGHEST_STATUS_BAR
    return at_top and box.width >= screen.width > 0 and screen.height > 2 * box.height
