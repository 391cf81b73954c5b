"""Apple: Appium's page sources of iOS (XCUITest) and of macOS (Mac2), both in XCUIElementTypes.

`label` is what VoiceOver says and thus the name. Where there is none, macOS says it in `title`, and
iOS in `name`, which is the accessibility identifier otherwise; macOS has `identifier` for that.
"""

from __future__ import annotations

import re

from systemzero_core.formats import _xml
from systemzero_core.formats._apple_bars import marked_bars
from systemzero_core.formats._spelling import (
    VISIBILITY_WORDS,
    checked_word,
    is_false,
    is_hidden,
    is_true,
    unknown,
)
from systemzero_core.formats._values import box_from_text, pairs, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.normalize.role_tables import words as word_set
from systemzero_core.tree import Node, Tree

_SIDES = ("x", "y", "width", "height")
_PREFIX = "XCUIElementType"
_CHECKABLE = frozenset(_PREFIX + kind for kind in ("CheckBox", "RadioButton", "Switch", "Toggle"))
_DISCLOSURE = _PREFIX + "DisclosureTriangle"
_TEXT = _PREFIX + "StaticText"
_SPINNER = _PREFIX + "ActivityIndicator"
_TURNS = ("0", "1")
"""Whether a spinner turns: no progress."""
_EXPANDED = {"checked": "expanded", "unchecked": "collapsed"}
_ATTRIBUTES = {
    "bundleId": "package",
    "maxValue": "valuemax",
    "minValue": "valuemin",
    "placeholderValue": "placeholder",
}
_FOCUSED = ("focused", "hasFocus", "hasKeyboardFocus")
_READ = frozenset(
    (
        *_SIDES,
        *_ATTRIBUTES,
        *_FOCUSED,
        *VISIBILITY_WORDS,
        *("enabled", "identifier", "label", "name", "selected", "title", "traits", "type", "value"),
    )
)
_NOT_READ = word_set("""
    accessibilityContainer accessible elementType frame hittable index isAccessibilityElement
    nativeFrame processId rawIdentifier
""")
_KNOWN = _READ | _NOT_READ
_NIB_ID = re.compile(r"_NS:\d+")
"""Xcode's own numbering of what has no identifier: another one in every build."""
_STATE_TRAITS = {"selected": "selected", "notenabled": "disabled"}


def read(source: Source) -> Parsed:
    """A capture of an iOS or macOS screen; the adapter of `Format.APPIUM_IOS`."""
    tree = marked_bars(_xml.tree_of(source.data, _node))
    return Parsed(tree, Format.APPIUM_IOS, viewport=_viewport(tree))


def _node(tag: str, given: _xml.Attributes) -> Node:
    role = given.get("type") or tag
    name, value = _texts(role, given)
    state = _state_of_value(role, value)
    if state is None and role in _CHECKABLE:
        state = checked_word(given.get("selected"))
    elif state is not None:
        value = ""
    return Node(
        role=role,
        name=name,
        value=value,
        states=words(_states(role, given, state)),
        bounds=box_from_text([given.get(side, "") for side in _SIDES]),
        attributes=pairs(_attributes(given, name)),
    )


def _texts(role: str, given: _xml.Attributes) -> tuple[str, str]:
    """Name and value; a value that repeats the name, or the hint of an empty field, is none."""
    name = given.get("label") or given.get("title") or given.get("name", "")
    value = given.get("value", "")
    if role == _SPINNER and value in _TURNS:
        return name, ""
    if value in (name, given.get("placeholderValue")):
        return name, ""
    if role == _TEXT and not name:
        return value, ""
    return name, value


def _state_of_value(role: str, value: str) -> str | None:
    """The state that a checkable control or a disclosure triangle tells as its value."""
    if role in _CHECKABLE:
        return checked_word(value)
    return _EXPANDED.get(checked_word(value) or "") if role == _DISCLOSURE else None


def _states(role: str, given: _xml.Attributes, state: str | None) -> list[str]:
    found = [state] if state else []
    if is_false(given.get("enabled")):
        found.append("disabled")
    if is_hidden(given):
        found.append("hidden")
    if is_true(given.get("selected")) and role not in _CHECKABLE:
        found.append("selected")
    if any(is_true(given.get(word)) for word in _FOCUSED):
        found.append("focused")
    found.extend(_STATE_TRAITS[trait] for trait in _traits(given) if trait in _STATE_TRAITS)
    return found


def _traits(given: _xml.Attributes) -> list[str]:
    return [trait.strip().lower() for trait in given.get("traits", "").split(",")]


def _attributes(given: _xml.Attributes, name: str) -> dict[str, str]:
    found = unknown(given, _KNOWN)
    identifier = given.get("identifier") or given.get("name", "")
    if identifier not in ("", name) and not _NIB_ID.fullmatch(identifier):
        found["id"] = identifier
    found.update((word, given[key]) for key, word in _ATTRIBUTES.items() if given.get(key))
    if given.get("title", "") not in ("", name):
        found["title"] = given["title"]  # what the eye sees, where VoiceOver says something else
    lasting = [t.strip() for t in given.get("traits", "").split(",")]
    traits = ", ".join(trait for trait in lasting if trait and trait.lower() not in _STATE_TRAITS)
    if traits:
        found["traits"] = traits
    return found


def _viewport(tree: Tree) -> tuple[int, int] | None:
    for node in tree.nodes[:2]:
        box = node.bounds
        if node.role == "XCUIElementTypeApplication" and box is not None and box.width > 0:
            return box.width, box.height
    return None
