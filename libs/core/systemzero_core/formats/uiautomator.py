"""Android: uiautomator dumps (`<node class=…>`) and Appium page sources (class as tag).

Both stand under `<hierarchy rotation=…>`, which stays the root. What a widget says is its name; the
text of a field is its value, and so is a text beside a different `content-desc`.
"""

from __future__ import annotations

import re

from systemzero_core.formats import _xml
from systemzero_core.formats._values import box, pairs, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.tree import Bounds, Node, Tree

_BOUNDS = re.compile(r"\[(-?\d{1,9}),(-?\d{1,9})\]\[(-?\d{1,9}),(-?\d{1,9})\]")

_STATES = {
    "a11y-focused": "focused",
    "clickable": "clickable",
    "content-invalid": "invalid",
    "focusable": "focusable",
    "focused": "focused",
    "long-clickable": "long-clickable",
    "password": "password",  # nosec B105 - an attribute's name, not a secret
    "scrollable": "scrollable",
    "selected": "selected",
}
_ATTRIBUTES = {
    "error": "error",
    "heading": "heading",
    "hint": "placeholder",
    "package": "package",
    "pane-title": "pane-title",
    "resource-id": "resource-id",
    "rotation": "rotation",
    "state-description": "valuetext",
    "tooltip-text": "description",
}


def read(source: Source) -> Parsed:
    """A capture of an Android screen; the adapter of `Format.UIAUTOMATOR`."""
    tree = _xml.tree_of(source.data, _node)
    return Parsed(tree, Format.UIAUTOMATOR, viewport=_viewport(tree))


def _node(tag: str, given: _xml.Attributes) -> Node:
    role = given.get("class") or tag
    name, value = _texts(role, given)
    return Node(
        role=role,
        name=name,
        value=value,
        states=words(_states(given)),
        bounds=_bounds(given),
        attributes=pairs(_attributes(given)),
    )


def _texts(role: str, given: _xml.Attributes) -> tuple[str, str]:
    text, said = given.get("text", ""), given.get("content-desc", "")
    if role.endswith("EditText"):
        # A field that is empty repeats its hint as its text.
        return said, "" if given.get("showing-hint") == "true" else text
    if not said or said == text:
        return text, ""
    return said, text


def _states(given: _xml.Attributes) -> list[str]:
    found = [word for key, word in _STATES.items() if given.get(key) == "true"]
    if given.get("checkable") == "true":
        found.append("checked" if given.get("checked") == "true" else "unchecked")
    if given.get("enabled") == "false":
        found.append("disabled")
    if given.get("displayed") == "false":
        found.append("hidden")
    return found


def _attributes(given: _xml.Attributes) -> dict[str, str]:
    found = {}
    for key, name in _ATTRIBUTES.items():
        value = given.get(key)
        if value and value != "false":
            found[name] = value
    return found


def _bounds(given: _xml.Attributes) -> Bounds | None:
    corners = _BOUNDS.fullmatch(given.get("bounds", ""))
    if corners:
        left, top, right, bottom = map(int, corners.groups())
        return box(left, top, right - left, bottom - top)
    width, height = given.get("width", ""), given.get("height", "")
    if re.fullmatch(r"\d{1,9}", width) and re.fullmatch(r"\d{1,9}", height):
        return box(0, 0, int(width), int(height))
    return None


def _viewport(tree: Tree) -> tuple[int, int] | None:
    """The size that the hierarchy tells, else that of the first window, which fills the screen."""
    for node in tree.nodes[:2]:
        if node.bounds is not None:
            return node.bounds.x + node.bounds.width, node.bounds.y + node.bounds.height
    return None
