"""Windows: Appium and WinAppDriver page sources; the tag is the UI Automation control type.

`ProcessId`, `RuntimeId` and the container ids made of them are different in every run and are not
read. A pattern's property may carry the pattern's name (`Toggle.ToggleState`). Text may be UTF-16
or UTF-8, whatever the declaration says.
"""

from __future__ import annotations

import re

from systemzero_core.characters import apart
from systemzero_core.formats import _xml
from systemzero_core.formats._spelling import (
    VISIBILITY_WORDS,
    checked_word,
    is_false,
    is_hidden,
    is_true,
    unknown,
)
from systemzero_core.formats._uia_shown import with_hidden
from systemzero_core.formats._values import box_from_text, pairs, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.normalize.role_tables import words as word_set
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
_EXPANDED = {
    **dict.fromkeys(("expanded", "partiallyexpanded", "1", "2"), "expanded"),
    **dict.fromkeys(("collapsed", "0"), "collapsed"),
}
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
    "PlaceholderText": "placeholder",
    "WindowVisualState": "window-state",
}
_READ = frozenset(
    (
        *_SIDES,
        *_STATES,
        *_ATTRIBUTES,
        *VISIBILITY_WORDS,
        *("ExpandCollapseState", "IsEnabled", "Name", "Orientation", "ToggleState", "Value"),
    )
)
_NOT_READ = word_set("""
    BoundingRectangle ClickablePoint Column ColumnCount ColumnHeaders ContainingGrid
    ControllerFor Culture DescribedBy FlowsFrom FlowsTo HorizontalScrollPercent
    HorizontalViewSize HorizontallyScrollable IsAvailable IsContentElement IsControlElement
    IsDataValidForForm IsDialog IsPeripheral IsSelectionRequired IsTopmost LabeledBy
    LandmarkType LargeChange LiveSetting LocalizedControlType LocalizedLandmarkType
    NativeWindowHandle OptimizeForVisualContent PositionInSet ProcessId ProviderDescription Row
    RowCount RowHeaders RowOrColumnMajor RuntimeId Selection SelectionContainer SizeOfSet
    SmallChange VerticalScrollPercent VerticalViewSize VerticallyScrollable
    WindowInteractionState
""")
"""Of one run, of where it is scrolled, said by the tree, or in the language of the system."""
_KNOWN = _READ | _NOT_READ
_OFFERED = re.compile(r"(?:Is\w+Available|Can(?:Maximize|Minimize|Move|Resize|Rotate))", re.ASCII)
_FIELDS = ("Edit", "ComboBox", "Document")
_HINTS = ("PlaceholderText", "HelpText")


def read(source: Source) -> Parsed:
    """A capture of a Windows program; the adapter of `Format.APPIUM_WINDOWS`."""
    tree = with_hidden(_xml.tree_of(source.data, _node))
    return Parsed(tree, Format.APPIUM_WINDOWS)


def _node(tag: str, own: _xml.Attributes) -> Node:
    given = _without_patterns(own)
    value = given.get("Value", "")
    if tag in _FIELDS and value in [given.get(key) for key in _HINTS]:
        value = ""  # an empty field that shows its hint
    return Node(
        role=tag,
        name=given.get("Name", ""),
        value=value,
        states=words(_states(tag, given)),
        bounds=box_from_text([given.get(side, "") for side in _SIDES]),
        attributes=pairs(_attributes(tag, given)),
    )


def _without_patterns(own: _xml.Attributes) -> _xml.Attributes:
    """The properties by their plain names; of two with one name, what `Value.Value` says counts."""
    if not any("." in key for key in own):
        return own
    given: _xml.Attributes = {}
    for key in sorted(own, key=lambda key: (key != "Value.Value", "." in key)):
        if own[key] or "." not in key:
            given.setdefault(key.rpartition(".")[2], own[key])
    return given


def _states(tag: str, given: _xml.Attributes) -> list[str]:
    found = [word for key, word in _STATES.items() if is_true(given.get(key))]
    if is_false(given.get("IsEnabled")):
        found.append("disabled")
    if is_hidden(given):
        found.append("hidden")
    toggled = checked_word(given.get("ToggleState"))
    if toggled:
        found.append(_as_button(toggled) if tag == "Button" else toggled)
    elif tag == "RadioButton" and "IsSelected" in given:
        found = [word for word in found if word != "selected"]
        found.append("checked" if is_true(given["IsSelected"]) else "unchecked")
    expanded = _EXPANDED.get(given.get("ExpandCollapseState", "").lower())
    if expanded:
        found.append(expanded)
    return found


def _as_button(toggled: str) -> str:
    return {"checked": "pressed", "unchecked": "unpressed"}.get(toggled, toggled)


def _attributes(tag: str, given: _xml.Attributes) -> dict[str, str]:
    others = unknown(given, _KNOWN)
    found = {key: value for key, value in others.items() if not _OFFERED.fullmatch(key)}
    found.update((name, given[key]) for key, name in _ATTRIBUTES.items() if given.get(key))
    orientation = given.get("Orientation", "None")
    if orientation != "None":
        found["orientation"] = apart(orientation, str.lower)
    if tag == "Custom" and given.get("LocalizedControlType", "custom") not in ("", "custom"):
        found["roledescription"] = given["LocalizedControlType"]  # all that says what it is
    return found
