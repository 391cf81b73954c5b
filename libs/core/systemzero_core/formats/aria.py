r"""Playwright aria snapshots: the subset of YAML that `ariaSnapshot()` writes, line by line.

    - list "names":                  a role, an accessible name, children
      - listitem [level=2]: text     states and attributes; a text as the only child
      - /url: "#top"                 a property of the node above
      - text: more                   a text node

Read by hand, not by a YAML library: there is nothing to expand, no depth to fear, and a line to
name in every error. Anchors, aliases and tags are refused. The root is a node of role `document`;
of several pages (`---` between them) each is a `document` below it. What is written for
`toMatchAriaSnapshot` to match (regular expressions, `/children`) is no capture and is refused.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from systemzero_core.errors import InvalidInput, TruncatedInput, quote
from systemzero_core.formats import _arialine, _utf8
from systemzero_core.formats._arialine import Line
from systemzero_core.formats._ariapages import Row, pages_of
from systemzero_core.formats._ariatext import CutOff
from systemzero_core.formats._values import box_from_text, pairs, words
from systemzero_core.formats.model import Format, Gap, GapKind, Parsed, Source
from systemzero_core.tree import Bounds, Node, Tree, TreeBuilder

_LINE = re.compile(r"( *)- (.*)", re.DOTALL)

_WITH_VALUE = frozenset(("textbox", "searchbox", "spinbutton", "combobox", "slider", "progressbar"))
_CHECKABLE = frozenset(("checkbox", "menuitemcheckbox", "menuitemradio", "radio", "switch"))
_STATES = frozenset(("checked", "pressed", "expanded", "selected", "disabled", "invalid", "active"))
_OFF = {"checked": "unchecked", "pressed": "unpressed", "expanded": "collapsed"}
_OF_THIS_RUN = frozenset(("ref", "cursor", "box"))
_NO_CAPTURE = (
    "this file is what toMatchAriaSnapshot expects, not what a page showed; give what "
    "ariaSnapshot() answers"
)
_DOCUMENT = Node(role="document")


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
        InvalidInput: a line is not of the format, or of a pattern; the violation names it.
        TooLarge: more nodes than a tree may have.
    """
    text = _utf8.text_of(source.data, "aria")
    if not text.strip():
        raise TruncatedInput.at("aria", "truncated: there is nothing in it; capture again")
    return _Reader().read(text)


class _Reader:
    def __init__(self) -> None:
        self._builder = TreeBuilder()
        self._properties: dict[int, dict[str, str]] = {}
        self._open: list[_Open] = []
        self._awaits_children = False
        self._gaps: tuple[Gap, ...] = ()
        self._pattern: tuple[str, str] | None = None
        self._has_refs = False

    def read(self, text: str) -> Parsed:
        pages = pages_of(text)
        self._begin(-2)
        for page in pages:
            if len(pages) > 1:
                self._begin(-1)
            for row in page:
                self._row(row)
        if self._awaits_children:
            raise TruncatedInput.at(pages[-1][-1].where, "truncated: children were to follow")
        if self._pattern is not None and not self._has_refs:
            raise InvalidInput.at(*self._pattern)
        tree = _with_properties(self._builder.build(), self._properties)
        return Parsed(_with_values(tree), Format.ARIA, self._gaps)

    def _begin(self, indent: int) -> None:
        """Open a page, or the root of all pages."""
        while self._open and self._open[-1].indent >= indent:
            self._open.pop()
            self._builder.close()
        self._open.append(_Open(indent, self._builder.open(_DOCUMENT), takes_children=True))

    def _row(self, row: Row) -> None:
        try:
            self._line(row)
        except CutOff as error:
            if row.is_last:
                raise TruncatedInput.at(row.where, "truncated inside the line") from None
            raise InvalidInput(error.message, error.violations) from None

    def _line(self, row: Row) -> None:
        found = _LINE.fullmatch(row.line)
        if found is None:
            error = CutOff if row.line.lstrip(" ") == "-" else InvalidInput
            raise error.at(row.where, "expected blanks, a dash, a blank and a role")
        item = _arialine.read(found[2], row.where)
        if row.text is not None:
            item = item._replace(value=row.text)
        self._close_to(len(found[1]), row.where)
        if item.is_part and not self._gaps:
            detail = f"{row.where}: only what changed since another snapshot is there"
            self._gaps = (Gap(GapKind.TRUNCATION, f"{detail} ({quote(found[2])})"),)
        self._awaits_children = item.has_colon and item.value is None
        if item.role.startswith("/"):
            self._property(item, row.where)
        elif item.role:
            self._node(item, len(found[1]), row.where)

    def _close_to(self, indent: int, where: str) -> None:
        """Close what is not an owner of a line at `indent`."""
        while self._open[-1].indent >= indent:
            closed = self._open.pop()
            self._builder.close()
            if closed.indent < indent or (closed.indent > indent > self._open[-1].indent):
                raise InvalidInput.at(where, "indented unlike the lines beside it")
        if not self._open[-1].takes_children:
            raise InvalidInput.at(where, "a child of a node that ends without a colon")

    def _property(self, item: Line, where: str) -> None:
        if item.role == "/children":
            raise InvalidInput.at(where, f"/children says how to compare: {_NO_CAPTURE}")
        found = self._properties.setdefault(self._open[-1].at, {})
        found[item.role[1:]] = item.value or ""

    def _node(self, item: Line, indent: int, where: str) -> None:
        # Only what was captured has refs and boxes: there, a name that looks like a pattern is one.
        self._has_refs = self._has_refs or any(name in _OF_THIS_RUN for name, _ in item.marks)
        if item.pattern and self._pattern is None:
            said = f"{quote(item.pattern)} is a regular expression: {_NO_CAPTURE}"
            self._pattern = where, f"{said}; a text that the page shows stands in quotes"
        node = _node_of(item)
        text = item.value if node.role not in ("text", *_WITH_VALUE) else None
        index = self._builder.open(node)
        if text is not None:
            self._builder.open(Node(role="text", name=text))
            self._builder.close()
        self._open.append(_Open(indent, index, self._awaits_children))


def _with_properties(tree: Tree, properties: dict[int, dict[str, str]]) -> Tree:
    """`tree` with what the lines below its nodes say of them."""
    if not properties:
        return tree
    nodes = list(tree.nodes)
    for index, found in properties.items():
        attributes = pairs({**dict(nodes[index].attributes), **found})
        nodes[index] = msgspec.structs.replace(nodes[index], attributes=attributes)
    return Tree(nodes, tree.parents)


def _with_values(tree: Tree) -> Tree:
    """`tree` with the text that is all that a field holds as its value.

    A field with a placeholder has it on a line below, one without has it behind the colon.
    """
    moved: dict[int, str] = {}
    for i in range(1, len(tree) - 1):
        text = tree.nodes[i + 1]
        if tree.nodes[i].role in _WITH_VALUE and text.role == "text" and text.name:
            alone = tree.parents[i + 1] == i and tree.ends[i] == i + 2
            if alone and not tree.nodes[i].value:
                moved[i] = text.name
    return _folded(tree, moved) if moved else tree


def _folded(tree: Tree, values: dict[int, str]) -> Tree:
    """`tree` with these values, and without the node that follows each of their nodes."""
    nodes: list[Node] = []
    parents: list[int] = []
    places: list[int] = []
    for i, (node, parent) in enumerate(zip(tree.nodes, tree.parents, strict=True)):
        places.append(len(nodes))
        if i - 1 in values:
            continue
        value = values.get(i)
        nodes.append(node if value is None else msgspec.structs.replace(node, value=value))
        parents.append(places[parent] if i else -1)
    return Tree(nodes, parents)


def _node_of(item: Line) -> Node:
    states, attributes, bounds = _marks(item)
    value = (item.value or "") if item.role in _WITH_VALUE else ""
    name = (item.value or item.name) if item.role == "text" else item.name
    return Node(item.role, name, value, words(states), bounds, pairs(attributes))


def _marks(item: Line) -> tuple[list[str], dict[str, str], Bounds | None]:
    states: list[str] = []
    attributes: dict[str, str] = {}
    bounds = None
    for name, value in item.marks:
        if name in _STATES:
            states.extend(_state(name, value, attributes))
        elif name == "box" and (read := box_from_text((value or "").split(","))) is not None:
            bounds = read
        elif name not in ("ref", "cursor"):
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
