"""YAML as plain values with their lines: the part of the language that data needs, bounded.

No aliases, no tags, one document, every scalar a string (so that `no` is a name and not a boolean),
keys unique. Built from the event stream without recursion, so that depth is counted before it costs
and no bomb is ever expanded.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import yaml

from systemzero_core.errors import InvalidInput, TooLarge, UnsafeInput, quote
from systemzero_core.tree import MAX_INPUT_BYTES

MAX_DEPTH = 64
"""Levels of nesting, at most."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Scalar(NamedTuple):
    """A string, and the line (from 1) that it starts on."""

    line: int
    text: str


class Seq(NamedTuple):
    """A list."""

    line: int
    items: list[Value]


class Map(NamedTuple):
    """A mapping; the keys' own lines are their values'."""

    line: int
    entries: dict[str, Value]


Value: TypeAlias = Scalar | Seq | Map


def read(data: bytes) -> Value:
    """The one document in `data`.

    Raises:
        TooLarge: more than `MAX_INPUT_BYTES`, or nested deeper than `MAX_DEPTH`.
        UnsafeInput: an alias, an anchor or a tag; the violation names the line.
        InvalidInput: no YAML, a key twice or not a string, no document or a second one.
    """
    if len(data) > MAX_INPUT_BYTES:
        raise TooLarge(
            f"the file has {len(data)} bytes, at most {MAX_INPUT_BYTES} are taken",
            metadata={"limit": str(MAX_INPUT_BYTES), "actual": str(len(data))},
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput.at(f"byte {error.start}", "not UTF-8") from None
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InvalidInput.at(f"line {line}", error.problem or "not YAML") from None
    except yaml.YAMLError as error:
        raise InvalidInput.at("line 1", quote(str(error))) from None
    return builder.document()


class _Builder:
    def __init__(self) -> None:
        self._open: list[Seq | Map] = []
        self._keys: list[str | None] = []
        self._documents: list[Value] = []

    def take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.NodeEvent):
            self._check(event)
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._open.pop()
            self._keys.pop()

    def document(self) -> Value:
        if len(self._documents) != 1:
            raise InvalidInput.at("line 1", f"{len(self._documents)} documents, one is expected")
        return self._documents[0]

    def _check(self, event: yaml.NodeEvent) -> None:
        line = _line(event)
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise UnsafeInput.at(f"line {line}", "anchors and aliases are not taken")
        tag = getattr(event, "tag", None)
        if tag not in (None, "!"):
            raise UnsafeInput.at(f"line {line}", f"the tag {quote(str(tag))} is not taken")

    def _node(self, event: yaml.NodeEvent) -> None:
        line = _line(event)
        if isinstance(event, yaml.ScalarEvent):
            self._add(Scalar(line, event.value))
            return
        if len(self._open) >= MAX_DEPTH:
            raise TooLarge(
                f"line {line}: nested deeper than {MAX_DEPTH}", metadata={"limit": str(MAX_DEPTH)}
            )
        opened = Map(line, {}) if isinstance(event, yaml.MappingStartEvent) else Seq(line, [])
        self._add(opened)
        self._open.append(opened)
        self._keys.append(None)

    def _add(self, value: Value) -> None:
        if not self._open:
            self._documents.append(value)
            return
        parent = self._open[-1]
        if isinstance(parent, Seq):
            parent.items.append(value)
        elif self._keys[-1] is None:
            self._keys[-1] = _key(parent, value)
        else:
            parent.entries[self._keys[-1]] = value
            self._keys[-1] = None


def _line(event: yaml.NodeEvent) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _key(parent: Map, value: Value) -> str:
    if not isinstance(value, Scalar):
        raise InvalidInput.at(f"line {value.line}", "a key must be a string")
    if value.text in parent.entries:
        raise InvalidInput.at(f"line {value.line}", f"the key {quote(value.text)} stands twice")
    return value.text
