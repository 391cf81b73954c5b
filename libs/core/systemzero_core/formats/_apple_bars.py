"""What of an iOS page source is no part of the screen: scroll bars and the status bar.

XCUITest reports a scroll bar as `XCUIElementTypeOther`, named in the language of the device. It is
known by its place: it comes last in what scrolls and lies thin along the right or the lower edge
of it, its value is a percentage, and its name ends in a number of pages (`Vertical scroll bar, 2
pages`). It gets the type that Apple has for scroll bars, so that the filter `scrollbar` takes it
out. A progress bar (`3 of 10 lessons`) stays. A window as low as a status bar, on top of the
screen, gets the status bar's type if it has a clock and neither button nor text: a banner is seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from systemzero_core.characters import known
from systemzero_core.formats._values import with_roles
from systemzero_core.normalize.role_tables import words
from systemzero_core.normalize.text import normal_text
from systemzero_core.tree import Bounds, Node, Tree

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
_COUNTS_PAGES = re.compile(r"[^\d,،、，]{1,60}[,،、，]\s{0,3}\d{1,6}\s{0,3}[^\W\d_]{0,20}")
_CLOCK = re.compile(r"(?:[AP]M\s)?\d{1,2}[:.]\d{2}(?:\s?[AP]M)?", re.IGNORECASE)
_OF_APPLICATIONS = words("""
    XCUIElementTypeButton XCUIElementTypeLink XCUIElementTypeStaticText XCUIElementTypeTextField
""")
_THICKEST = 44  # points: what a finger needs
_HIGHEST_STATUS_BAR = 64
_LONGEST_NAME = 100


def marked_bars(tree: Tree) -> Tree:
    """`tree` with scroll bars and status bars told."""
    roles: dict[int, str] = {}
    for i in range(len(tree) - 1, 0, -1):  # later siblings first
        if _is_scroll_bar(tree, i, roles):
            roles[i] = _SCROLL_BAR
        elif _is_status_window(tree, i):
            roles[i] = _STATUS_BAR
    return with_roles(tree, roles)


def _is_scroll_bar(tree: Tree, i: int, found: dict[int, str]) -> bool:
    node, after, parent = tree.nodes[i], tree.ends[i], tree.parents[i]
    if node.role != _OTHER or not _counts_pages(node.name) or not _is_percentage(node.value):
        return False
    comes_last = after == tree.ends[parent] or found.get(after) == _SCROLL_BAR
    scrolls = tree.nodes[parent].role in _SCROLLING or found.get(after) == _SCROLL_BAR
    parts = tree.nodes[i + 1 : min(after, i + 4)]
    if not comes_last or not scrolls or any(part.name for part in parts):
        return False
    return _lies_along(node.bounds, tree.nodes[parent].bounds)


def _is_percentage(value: str) -> bool:
    return (
        len(value) < 12
        and ("%" in value or "٪" in value)
        and bool(_PERCENTAGE.fullmatch(known(value)))
    )


def _counts_pages(name: str) -> bool:
    return _COUNTS_PAGES.fullmatch(known(normal_text(name[:_LONGEST_NAME]))) is not None


def _lies_along(bar: Bounds | None, around: Bounds | None) -> bool:
    """Whether `bar` is thin and lies along the right or the lower edge of `around`."""
    if bar is None or around is None:
        return False
    right = around.x + around.width - bar.x - bar.width
    below = around.y + around.height - bar.y - bar.height
    if bar.height >= bar.width:
        return bar.width <= _THICKEST >= right and bar.height * 5 >= around.height * 3
    # a web view's bar stands above what covers the lower edge
    return (
        bar.height <= _THICKEST and below * 6 <= around.height and bar.width * 5 >= around.width * 3
    )


def _is_status_window(tree: Tree, i: int) -> bool:
    node, parent = tree.nodes[i], tree.nodes[tree.parents[i]]
    box, screen = node.bounds, parent.bounds
    if node.role != _WINDOW or parent.role != _APPLICATION or box is None or screen is None:
        return False
    at_top = (box.x, box.y) == (0, 0) and 0 < box.height <= _HIGHEST_STATUS_BAR
    low = at_top and box.width >= screen.width > 0 and screen.height > 2 * box.height
    return low and _is_status(tree.nodes[i + 1 : tree.ends[i]])


def _is_status(parts: Sequence[Node]) -> bool:
    """Whether `parts` are a status bar's: a clock and signs, or nothing that is said."""
    clocks = [bool(_CLOCK.fullmatch(known(part.name))) for part in parts]
    if not any(clocks):
        return not any(part.name or part.value for part in parts)
    others = (part for part, clock in zip(parts, clocks, strict=True) if not clock)
    return not any(part.role in _OF_APPLICATIONS for part in others)
