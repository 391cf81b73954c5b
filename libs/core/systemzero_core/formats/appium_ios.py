"""iOS: Appium XCUITest page sources (`<XCUIElementTypeButton name=… label=… x=…>`).

`label` is what VoiceOver says and thus the name; `name` is the accessibility identifier, or the
label once more where the program sets none: then it is only the name.
"""

from __future__ import annotations

from systemzero_core.formats import _xml
from systemzero_core.formats._values import box_from_text, pairs, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.tree import Node, Tree

_SIDES = ("x", "y", "width", "height")
_SWITCHES = frozenset(("XCUIElementTypeSwitch", "XCUIElementTypeToggle", "XCUIElementTypeCheckBox"))
_CHECKED = {"1": "checked", "0": "unchecked", "2": "mixed", "true": "checked", "false": "unchecked"}


def read(source: Source) -> Parsed:
    """A capture of an iOS screen; the adapter of `Format.APPIUM_IOS`."""
    tree = _xml.tree_of(source.data, _node)
    return Parsed(tree, Format.APPIUM_IOS, viewport=_viewport(tree))


def _node(tag: str, given: _xml.Attributes) -> Node:
    role = given.get("type") or tag
    name = given.get("label") or given.get("name", "")
    value = given.get("value", "")
    is_switch = role in _SWITCHES and value in _CHECKED
    return Node(
        role=role,
        name=name,
        value="" if is_switch or value == name else value,
        states=words([*_states(given), *([_CHECKED[value]] if is_switch else [])]),
        bounds=box_from_text([given.get(side, "") for side in _SIDES]),
        attributes=pairs(_attributes(given, name)),
    )


def _states(given: _xml.Attributes) -> list[str]:
    found = []
    if given.get("enabled") == "false":
        found.append("disabled")
    if given.get("visible") == "false":
        found.append("hidden")
    found.extend(word for word in ("selected", "focused") if given.get(word) == "true")
    return found


def _attributes(given: _xml.Attributes, name: str) -> dict[str, str]:
    found = {}
    if given.get("name", name) != name:
        found["id"] = given["name"]
    if given.get("placeholderValue"):
        found["placeholder"] = given["placeholderValue"]
    if given.get("traits"):
        found["traits"] = given["traits"]
    if given.get("bundleId"):
        found["package"] = given["bundleId"]
    return found


def _viewport(tree: Tree) -> tuple[int, int] | None:
    for node in tree.nodes[:2]:
        if node.role == "XCUIElementTypeApplication" and node.bounds is not None:
            return node.bounds.width, node.bounds.height
    return None
