r"""Playwright aria snapshots: the subset of YAML that `ariaSnapshot()` writes, line by line.

    - list "names":                  a role, an accessible name, children
      - listitem [level=2]: text     states and attributes; a text as the only child
      - /url: "#top"                 a property of the node above
      - text: more                   a text node

Read by hand, not by a YAML library: there is nothing to expand, no depth to fear, and a line to
name in every error. Anchors, aliases and tags are refused. The root is a node of role `document`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from systemzero_core.errors import InvalidInput, TruncatedInput, UnsafeInput
from systemzero_core.formats import _arialine
from systemzero_core.formats._arialine import Line
from systemzero_core.formats._values import box_from_text, pairs, words
from systemzero_core.formats.model import Format, Parsed, Source
from systemzero_core.tree import Bounds, Node, TreeBuilder

_LINE = re.compile(r"( *)- (.*)", re.DOTALL)

_WITH_VALUE = frozenset(("textbox", "searchbox", "spinbutton", "combobox", "slider", "progressbar"))
_CHECKABLE = frozenset(("checkbox", "menuitemcheckbox", "menuitemradio", "radio", "switch"))
_STATES = frozenset(("checked", "pressed", "expanded", "selected", "disabled", "invalid", "active"))
_OFF = {"checked": "unchecked", "pressed": "unpressed", "expanded": "collapsed"}
_OF_THIS_RUN = frozenset(("ref", "cursor", "box"))


class _Open(NamedTuple):
    """A node not yet closed: its indentation, its index, and whether children may follow."""

    indent: int
    at: int
    takes_children: bool


def read(source: Source) -> Parsed:
    """A capture by Playwright; the adapter of `Format.ARIA`.

    Raises:
        UnsafeInput: an anchor, an alias or a tag.
        TruncatedInput: the text is empty or its last line is cut off.
        InvalidInput: a line is not of the format; the violation names it.
        TooLarge: more nodes than a tree may have.
    """
    try:
        text = source.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.end == len(source.data) and error.reason == "unexpected end of data":
            raise TruncatedInput.at("aria", "truncated: it ends inside a character") from None
        raise InvalidInput.at(f"byte {error.start}", "not UTF-8") from None
    if not text.strip():
        raise TruncatedInput.at("aria", "truncated: there is nothing in it")
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._builder.open(Node(role="document"))
        self._nodes = [Node(role="document")]
        self._open = [_Open(-1, 0, takes_children=True)]
        self._awaits_children = False

    def read(self, text: str) -> Parsed:
        # Not splitlines: a name may hold U+2028 and its like as they are.
        lines = text.split("\n")
        for number, line in enumerate(lines, 1):
            try:
                self._line(line.removesuffix("\r"), f"line {number}")
            except UnsafeInput:
                raise
            except InvalidInput as error:
                if number == len(lines):
                    raise TruncatedInput.at(f"line {number}", "truncated inside the line") from None
                raise error from None
        if self._awaits_children:
            raise TruncatedInput.at(f"line {len(lines)}", "truncated: children were to follow")
        return Parsed(self._builder.build(), Format.ARIA)

    def _line(self, line: str, where: str) -> None:
        if not line.strip() or line.lstrip().startswith("#"):
            return
        found = _LINE.fullmatch(line)
        if found is None:
            raise InvalidInput.at(where, "expected blanks, a dash, a blank and a role")
        self._close_to(len(found[1]), where)
        item = _arialine.read(found[2], where)
        self._awaits_children = item.has_colon and item.value is None
        if item.role.startswith("/"):
            self._property(item.role[1:], item.value or "")
        else:
            self._node(item, len(found[1]))

    def _close_to(self, indent: int, where: str) -> None:
        """Close what is not an owner of a line at `indent`."""
        while self._open[-1].indent >= indent:
            closed = self._open.pop()
            self._builder.close()
            if closed.indent < indent or (closed.indent > indent > self._open[-1].indent):
                raise InvalidInput.at(where, "indented unlike the lines beside it")
        if not self._open[-1].takes_children:
            raise InvalidInput.at(where, "a child of a node that ends without a colon")

    def _property(self, name: str, value: str) -> None:
        index = self._open[-1].at
        node = self._nodes[index]
        attributes = pairs({**dict(node.attributes), name: value})
        self._replace(index, msgspec.structs.replace(node, attributes=attributes))

    def _node(self, item: Line, indent: int) -> None:
        node = _node_of(item)
        text = item.value if node.role not in ("text", *_WITH_VALUE) else None
        index = self._add(node)
        if text is not None:
            self._add(Node(role="text", name=text))
            self._builder.close()
        self._open.append(_Open(indent, index, self._awaits_children))

    def _add(self, node: Node) -> int:
        self._nodes.append(node)
        return self._builder.open(node)

    def _replace(self, index: int, node: Node) -> None:
        self._nodes[index] = node
        self._builder.replace(index, node)


def _node_of(item: Line) -> Node:
    states, attributes, bounds = _marks(item)
    value = (item.value or "") if item.role in _WITH_VALUE else ""
    name = (item.value or "") if item.role == "text" else item.name
    return Node(item.role, name, value, words(states), bounds, pairs(attributes))


def _marks(item: Line) -> tuple[list[str], dict[str, str], Bounds | None]:
    states: list[str] = []
    attributes: dict[str, str] = {}
    bounds = None
    for name, value in item.marks:
        if name in _STATES:
            states.extend(_state(name, value, attributes))
        elif name == "box":
            bounds = box_from_text((value or "").split(","))
        elif name not in _OF_THIS_RUN:
            attributes[name] = value or "true"
    if item.role in _CHECKABLE and not {"checked", "unchecked", "mixed"} & set(states):
        states.append("unchecked")
    return states, attributes, bounds


def _state(name: str, value: str | None, attributes: dict[str, str]) -> list[str]:
    if value == "mixed":
        return ["mixed"]
    if value == "false":
        return [_OFF[name]] if name in _OFF else []
    if value not in (None, "true"):
        attributes[name] = value or ""
    return ["focused" if name == "active" else name]
