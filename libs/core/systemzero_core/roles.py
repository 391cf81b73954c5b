"""What kinds of nodes matter how much; sets of normal-form role names."""

from __future__ import annotations

from collections.abc import Mapping

from systemzero_core.tree import Node

CONTROLS = frozenset(
    {
        *("button", "checkbox", "combobox", "link", "listbox", "menuitem", "menuitemcheckbox"),
        *("menuitemradio", "option", "radio", "searchbox", "slider", "spinbutton", "switch"),
        *("tab", "textbox", "treeitem"),
    }
)
"""What a person or a program acts on."""

FORM_CONTROLS = CONTROLS - {"link", "option", "treeitem", "menuitem", "tab"}
"""Controls that a screen has few of, and whose loss breaks what depends on it."""

LANDMARKS = frozenset(
    {
        *("banner", "complementary", "contentinfo", "form", "main", "navigation", "region"),
        *("search", "dialog", "alertdialog"),
    }
)
"""The parts of a screen."""

REPEATING = frozenset(
    {"row", "listitem", "option", "treeitem", "gridcell", "cell", "article", "feed"}
)
"""What rows of data are made of: what stands in them comes and goes with the data."""

_WEIGHTS: Mapping[str, float] = {
    **dict.fromkeys(CONTROLS, 3.0),
    **dict.fromkeys(LANDMARKS, 2.0),
    "heading": 3.0,
    "alert": 3.0,
    "status": 1.5,
    "img": 1.0,
}
_TEXT_WEIGHT = 1.0
_MUTE_WEIGHT = 0.25
"""A node without name and value that is none of the above: a box around others."""


def weight_of(node: Node) -> float:
    """How much of a screen one node is."""
    weight = _WEIGHTS.get(node.role)
    if weight is not None:
        return weight
    return _TEXT_WEIGHT if node.name or node.value else _MUTE_WEIGHT
