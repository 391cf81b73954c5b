"""Windows: Appium and WinAppDriver page sources; the tag is the UI Automation control type.

`ProcessId`, `RuntimeId` and the container ids made of them are different in every run and are not
read. Text may be UTF-16 or UTF-8, whatever the declaration says.
"""

from __future__ import annotations

from systemzero_core.formats import _xml
from systemzero_core.formats._values import box_from_text, pairs, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.tree import Node

_SIDES = ("x", "y", "width", "height")

_STATES = {
    "HasKeyboardFocus": "focused",
    "IsKeyboardFocusable": "focusable",
    "IsModal": "modal",
    "IsOffscreen": "offscreen",
    "IsPassword": "password",
    "IsReadOnly": "readonly",
    "IsRequiredForForm": "required",
    "IsSelected": "selected",
    "CanSelectMultiple": "multiselectable",
}
_TOGGLED = {"On": "checked", "Off": "unchecked", "Indeterminate": "mixed"}
_EXPANDED = {"Expanded": "expanded", "PartiallyExpanded": "expanded", "Collapsed": "collapsed"}
_ATTRIBUTES = {
    "AcceleratorKey": "accelerator",
    "AccessKey": "keyshortcuts",
    "AutomationId": "automation-id",
    "ClassName": "class",
    "FrameworkId": "framework",
    "HelpText": "description",
    "ItemStatus": "item-status",
    "ItemType": "item-type",
    "Maximum": "valuemax",
    "Minimum": "valuemin",
    "WindowVisualState": "window-state",
}


def read(source: Source) -> Parsed:
    """A capture of a Windows program; the adapter of `Format.APPIUM_WINDOWS`."""
    return Parsed(_xml.tree_of(source.data, _node), Format.APPIUM_WINDOWS)


def _node(tag: str, given: _xml.Attributes) -> Node:
    return Node(
        role=tag,
        name=given.get("Name", ""),
        value=given.get("Value.Value") or given.get("Value", ""),
        states=words(_states(tag, given)),
        bounds=box_from_text([given.get(side, "") for side in _SIDES]),
        attributes=pairs(_attributes(given)),
    )


def _states(tag: str, given: _xml.Attributes) -> list[str]:
    found = [word for key, word in _STATES.items() if given.get(key) == "True"]
    if given.get("IsEnabled") == "False":
        found.append("disabled")
    toggled = _TOGGLED.get(given.get("ToggleState", ""))
    if toggled:
        found.append(_as_button(toggled) if tag == "Button" else toggled)
    expanded = _EXPANDED.get(given.get("ExpandCollapseState", ""))
    if expanded:
        found.append(expanded)
    return found


def _as_button(toggled: str) -> str:
    return {"checked": "pressed", "unchecked": "unpressed"}.get(toggled, toggled)


def _attributes(given: _xml.Attributes) -> dict[str, str]:
    found = {name: given[key] for key, name in _ATTRIBUTES.items() if given.get(key)}
    orientation = given.get("Orientation", "None")
    if orientation != "None":
        found["orientation"] = orientation.lower()
    return found
