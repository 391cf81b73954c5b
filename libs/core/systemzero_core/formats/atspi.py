"""AT-SPI trees as `scripts/capture_atspi.py` writes them: `{"captured", "applications": […]}`.

A node has `role`, `name`, `description`, `states` (AT-SPI's words), `attributes`, `extents`
`[x, y, width, height]`, `actions`, `text`, `value`, `toolkit`, `index_in_parent`, `children`.
Several applications stand under a root of role `desktop frame`, as they do on the bus.
"""

from __future__ import annotations

from typing import Any

from systemzero_core.errors import InvalidInput
from systemzero_core.formats import _json
from systemzero_core.formats._values import box_of, pairs, text_of, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.tree import Node, Tree, TreeBuilder

_STATES = {
    "busy": "busy",
    "checked": "checked",
    "collapsed": "collapsed",
    "editable": "editable",
    "expanded": "expanded",
    "focusable": "focusable",
    "focused": "focused",
    "indeterminate": "mixed",
    "invalid-entry": "invalid",
    "modal": "modal",
    "multi-line": "multiline",
    "multiselectable": "multiselectable",
    "pressed": "pressed",
    "read-only": "readonly",
    "required": "required",
    "selected": "selected",
}
_READ = frozenset(
    (
        *("actions", "attributes", "children", "description", "extents", "index_in_parent", "name"),
        *("role", "states", "text", "toolkit", "value"),
    )
)
_ORIENTATION = frozenset(("horizontal", "vertical"))
_CHECKABLE = frozenset(
    ("check box", "check menu item", "radio button", "radio menu item", "switch")
)


def read(source: Source) -> Parsed:
    """A capture of one or more programs; the adapter of `Format.ATSPI`.

    Raises:
        InvalidInput: something is not of the layout; the violation names it.
    """
    file = _json.decode_any(source.data, "atspi")
    applications = file.get("applications") if isinstance(file, dict) else None
    if not isinstance(applications, list):
        raise InvalidInput.at("applications", "expected an array of trees")
    return Parsed(_tree(applications), Format.ATSPI)


def _tree(applications: list[Any]) -> Tree:
    builder = TreeBuilder()
    if len(applications) > 1:
        builder.open(Node(role="desktop frame"))
    todo: list[Any] = applications[::-1]
    end, number = object(), 0
    while todo:
        item = todo.pop()
        if item is end:
            builder.close()
            continue
        index = builder.open(_node(item, number))
        number += 1
        todo.append(end)
        children = item.get("children") or []
        if not isinstance(children, list):
            raise InvalidInput.at(f"node {index}.children", "expected an array")
        todo.extend(reversed(children))
    return builder.build()


def _node(item: object, number: int) -> Node:
    if not isinstance(item, dict) or not isinstance(item.get("role"), str):
        raise InvalidInput.at(f"node {number}.role", "a node that is no object with a role")
    states = _words_of(item.get("states"))
    extents = item.get("extents")
    return Node(
        role=item["role"],
        name=text_of(item.get("name")),
        value=_value(item),
        states=words(_states(item["role"], states)),
        bounds=box_of(extents) if isinstance(extents, list) else None,
        attributes=pairs(_attributes(item, states)),
    )


def _words_of(states: object) -> frozenset[str]:
    return (
        frozenset(s for s in states if isinstance(s, str))
        if isinstance(states, list)
        else frozenset()
    )


def _states(role: str, given: frozenset[str]) -> list[str]:
    found = [_STATES[word] for word in given if word in _STATES]
    # GTK 4 says only `sensitive`, GTK 3 and Qt both: a widget is disabled when it says neither.
    if given and not given & {"sensitive", "enabled"}:
        found.append("disabled")
    if given and "visible" not in given:
        found.append("hidden")
    elif given and "showing" not in given:
        found.append("offscreen")
    if (role in _CHECKABLE or "checkable" in given) and not given & {"checked", "indeterminate"}:
        found.append("unchecked")
    if role == "toggle button":
        down = given & {"checked", "pressed"}
        found = [word for word in found if word not in ("checked", "pressed")]
        found.append("pressed" if down else "unpressed")
    if "expandable" in given and "expanded" not in given:
        found.append("collapsed")
    return found


def _value(item: dict[str, Any]) -> str:
    """The text of an editable or of a text that has no other name, else the number of a range."""
    text = text_of(item.get("text"))
    if text and text != text_of(item.get("name")):
        return text
    value = item.get("value")
    return text_of(value.get("current") if isinstance(value, dict) else value)


def _attributes(item: dict[str, Any], states: frozenset[str]) -> dict[str, str]:
    given = item.get("attributes")
    found = {k: text_of(v) for k, v in given.items()} if isinstance(given, dict) else {}
    value = item.get("value")
    others = {key: item[key] for key in item.keys() - _READ}
    if isinstance(value, dict):
        others |= {f"value-{key}": value[key] for key in value if key != "current"}
    found |= {key: text for key, other in others.items() if (text := text_of(other))}
    if item.get("description"):
        found["description"] = text_of(item["description"])
    for word in sorted(states & _ORIENTATION):
        found["orientation"] = word
    actions = item.get("actions")
    if isinstance(actions, list) and actions:
        found["actions"] = " ".join(sorted(text_of(a) for a in actions))
    toolkit = item.get("toolkit")
    if isinstance(toolkit, list) and toolkit:
        found["toolkit"] = " ".join(text_of(part) for part in toolkit)
    return found
