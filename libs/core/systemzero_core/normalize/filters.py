"""The named filters: what is taken out of a tree, and how much of it.

A filter looks at one node in normal form and says nothing about its place; what it takes out is
either the node alone (its children move up into its place) or its whole subtree. Two filters need
the place: `repeated-text` looks at the parent, `zero-size` at what is left below.

Invariants:
1. The root is never taken out.
2. A verdict depends on the node's normal form, so that what is left is left again the next time.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.normalize.loading import is_spinner
from systemzero_core.normalize.role_tables import words
from systemzero_core.tree import Node


class Filter(StrEnum):
    """What can be filtered; the value is the name in configuration and in explanations."""

    HIDDEN = "hidden"
    """Nodes in state `hidden`, alone: a visible child of a hidden parent is seen."""
    SPINNER = "spinner"
    """Progress indicators that tell no progress and say no more than "loading", with the pictures
    and texts in them that say no more either; what else is in them moves up."""
    SCROLLBAR = "scrollbar"
    """Scroll bars with their thumbs and arrows, and page indicators: where one has scrolled to."""
    LIST_MARKER = "list-marker"
    """Bullets and numbers that the browser generates."""
    LINE_BREAK = "line-break"
    """Forced line breaks, and the boxes that a text's lines are laid out in."""
    SYSTEM_BAR = "system-bar"
    """The system's own bars: a phone's status bar, with its clock and battery, a task bar."""
    WRAPPER = "wrapper"
    """`generic` nodes without name, value, states or attributes other than `MARKS`, and texts
    without any text: alone, their children move up."""
    REPEATED_TEXT = "repeated-text"
    """Texts that only repeat the accessible name of their parent, where that comes from content, or
    the value of the field they are in."""
    ZERO_SIZE = "zero-size"
    """Nodes without area that say nothing: no name, no value, nothing left below."""


class FilterSet(msgspec.Struct, frozen=True):
    """Which filters are on. A value; build one with `of`, `without` or take `DEFAULT_FILTERS`."""

    enabled: frozenset[Filter] = frozenset(Filter)

    @classmethod
    def of(cls, names: Iterable[str]) -> FilterSet:
        """The set of the filters named.

        Raises:
            InvalidInput: a name that is no filter; the message lists those that are.
        """
        return cls(frozenset(_filter(name) for name in names))

    def without(self, *names: str) -> FilterSet:
        """This set less the filters named; raises as `of` does."""
        return FilterSet(self.enabled - FilterSet.of(names).enabled)


DEFAULT_FILTERS: Final = FilterSet()
"""All of them: the normal form that signatures are compared in."""

NAME_FROM_CONTENT: Final = words("""
    button caption cell checkbox columnheader definition generic gridcell heading img legend
    link listitem menuitem menuitemcheckbox menuitemradio option radio row rowheader switch tab
    term text tooltip treeitem
""")
"""Roles whose accessible name is made of their content (ARIA's "name from content", and those that
platforms name so: a list's cells, merged groups)."""

TAKES_SUBTREE: Final = frozenset(
    (
        Filter.SCROLLBAR,
        Filter.LIST_MARKER,
        Filter.LINE_BREAK,
        Filter.SYSTEM_BAR,
    )
)
"""Filters that take a node out with all below it; the others leave its children in its place."""

FIELDS: Final = words("combobox searchbox spinbutton textbox")
"""Roles whose content is their value."""

_BY_ROLE = {
    "scrollbar": Filter.SCROLLBAR,
    "listmarker": Filter.LIST_MARKER,
    "linebreak": Filter.LINE_BREAK,
    "inlinetext": Filter.LINE_BREAK,
}
SUSPECTS: Final = frozenset((*_BY_ROLE, "progressbar", "status"))
"""Roles that `verdict` may find against although the node has a name and is not hidden."""

MARKS: Final = words("automation-id class id orientation package resource-id")
"""Attributes that say what a node is known by or how it lays its children out, not what it is to a
user: alone, they keep no wrapper."""

_SYSTEM_BARS = words("SystemBar XCUIElementTypeStatusBar")
_SYSTEM_BAR_IDS = frozenset(
    ("android:id/statusBarBackground", "android:id/navigationBarBackground")
)


def verdict(node: Node, enabled: frozenset[Filter]) -> Filter | None:
    """The first `enabled` filter that takes `node` (in normal form) out by its own fields."""
    if node.role in ("text", "generic"):
        found = _empty(node)
    elif node.role == "progressbar":
        found = Filter.SPINNER if is_spinner(node) else None
    elif node.role == "status":
        found = Filter.SYSTEM_BAR if node.platform_role in _SYSTEM_BARS else None
    else:
        found = _BY_ROLE.get(node.role)
    if found in enabled:
        return found
    return Filter.HIDDEN if "hidden" in node.states and Filter.HIDDEN in enabled else None


def _empty(node: Node) -> Filter | None:
    if node.name or node.value:
        return None
    if any(value in _SYSTEM_BAR_IDS for _, value in node.attributes):
        return Filter.SYSTEM_BAR
    if node.states or any(name not in MARKS for name, _ in node.attributes):
        return None
    return Filter.WRAPPER


def is_mute(node: Node) -> bool:
    """Whether `node` has neither name nor value."""
    return not node.name and not node.value


def _filter(name: str) -> Filter:
    try:
        return Filter(name)
    except ValueError:
        known = ", ".join(sorted(Filter))
        raise InvalidInput.at("filters", f"{name!r} is no filter; there are {known}") from None
