"""Android: uiautomator dumps (`<node class=…>`), Appium's UiAutomator2 and Espresso sources.

They stand under `<hierarchy rotation=…>`, which stays the root, or (`dump --windows`) each in a
`<window>` of a `<display>`. What a widget says is its name; the text of a field is its value, and
so is a text beside a different `content-desc`.
"""

from __future__ import annotations

import re

from systemzero_core.characters import known
from systemzero_core.formats import _android_class, _xml
from systemzero_core.formats._android_bars import marked_bars, screen_of
from systemzero_core.formats._spelling import (
    VISIBILITY_WORDS,
    checked_word,
    is_false,
    is_hidden,
    is_true,
    unknown,
)
from systemzero_core.formats._switchwords import without_state
from systemzero_core.formats._values import box, pairs, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.normalize.role_tables import words as word_set
from systemzero_core.tree import Bounds, Node

_BOUNDS = re.compile(r"\[(-?\d{1,9}),(-?\d{1,9})\]\[(-?\d{1,9}),(-?\d{1,9})\]", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,9}(?:[.,]\d{1,9})?(?:[eE]-?\d{1,3})?", re.ASCII)
"""UiAutomator2 writes where a range stands as its text."""
_LENGTH = re.compile(r"\d{1,9}", re.ASCII)

_STATES = {
    "a11y-focused": "focused",
    "clickable": "clickable",
    "content-invalid": "invalid",
    "editable": "editable",
    "focusable": "focusable",
    "focused": "focused",
    "long-clickable": "long-clickable",
    "multi-line": "multiline",
    "password": "password",  # nosec B105 - an attribute's name, not a secret
    "scrollable": "scrollable",
    "selected": "selected",
}
_ATTRIBUTES = {
    "error": "error",
    "heading": "heading",
    "package": "package",
    "pane-title": "pane-title",
    "resource-id": "resource-id",
    "rotation": "rotation",
    "tooltip-text": "description",
}
_HINTS = ("hint", "hintText", "hint-text", "placeholder")
_READ = frozenset(
    (
        *_STATES,
        *_ATTRIBUTES,
        *_HINTS,
        *VISIBILITY_WORDS,
        *("bounds", "checkable", "checked", "class", "content-desc", "enabled", "height"),
        *("showing-hint", "state-description", "text", "title", "width", "x", "y"),
    )
)
_NOT_READ = word_set("""
    NAF a11y-important accessibility-focused actions active adapter-type adapters
    context-clickable dismissable display-id drawing-order important-for-accessibility index
    input-type instance layer live-region max-text-length screen-reader-focusable selection-end
    selection-start text-entry-key text-has-clickable-span window-id
""")
"""Of one run, of the layout alone, or the same on every node of its kind."""
_KNOWN = _READ | _NOT_READ
_FIELDS = ("EditText", "AutoCompleteTextView")
_NAMELESS_IDS = ("(name removed)", "0_resource_name_obfuscated")
"""What shrinkers write in the place of every id."""


def read(source: Source) -> Parsed:
    """A capture of an Android screen; the adapter of `Format.UIAUTOMATOR`."""
    tree = marked_bars(_xml.tree_of(source.data, _node))
    return Parsed(tree, Format.UIAUTOMATOR, viewport=screen_of(tree))


def _node(tag: str, given: _xml.Attributes) -> Node:
    role = _android_class.role_of(tag, given.get("class"))
    checked = _checked(role, given)
    hint = next((given[key] for key in _HINTS if given.get(key)), "")
    name, value = _texts(role, given, checked, hint)
    return Node(
        role=role,
        name=name,
        value=value,
        states=words(_states(given, checked)),
        bounds=_bounds(given),
        attributes=pairs(_attributes(given, checked, hint)),
    )


def _texts(role: str, given: _xml.Attributes, checked: str | None, hint: str) -> tuple[str, str]:
    """Name and value; the text of an empty field, which is its hint, is neither."""
    text, said = given.get("text", ""), given.get("content-desc", "")
    if is_true(given.get("showing-hint")) or text == hint:
        text = ""
    if role.endswith(_FIELDS) or is_true(given.get("editable")) or is_true(given.get("password")):
        return said, text
    if _android_class.is_range(role) and _NUMBER.fullmatch(text):
        return said, text
    if _android_class.is_switch(role):
        text = without_state(text, checked)
    if not said or said == text:
        return text or given.get("title", ""), ""
    return said, text


def _checked(role: str, given: _xml.Attributes) -> str | None:
    """The word for its state, where the node can be checked or is."""
    word = checked_word(given.get("checked"))
    if is_true(given.get("checkable")):
        return word or "unchecked"
    return None if word == "unchecked" and not _android_class.is_checkable(role) else word


def _states(given: _xml.Attributes, checked: str | None) -> list[str]:
    found = [word for key, word in _STATES.items() if is_true(given.get(key))]
    if checked:
        found.append(checked)
    if is_false(given.get("enabled")):
        found.append("disabled")
    if is_hidden(given):
        found.append("hidden")
    return found


def _attributes(given: _xml.Attributes, checked: str | None, hint: str) -> dict[str, str]:
    found = unknown(given, _KNOWN)
    for key, name in _ATTRIBUTES.items():
        value = given.get(key)
        if value and value != "false":
            found[name] = value
    if found.get("resource-id", "").endswith(_NAMELESS_IDS):
        del found["resource-id"]
    if known(found.get("id", "")).isdigit():
        del found["id"]  # of a window, in one run
    if hint:
        found["placeholder"] = hint
    if told := without_state(given.get("state-description", ""), checked):
        found["valuetext"] = told
    return found


def _bounds(given: _xml.Attributes) -> Bounds | None:
    corners = _BOUNDS.fullmatch(given.get("bounds", ""))
    if corners:
        left, top, right, bottom = map(int, corners.groups())
        return box(left, top, right - left, bottom - top)
    width, height = given.get("width", ""), given.get("height", "")
    if _LENGTH.fullmatch(width) and _LENGTH.fullmatch(height):
        return box(0, 0, int(width), int(height))
    return None
