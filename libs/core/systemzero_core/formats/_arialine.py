"""One line of a Playwright aria snapshot, after its dash: `role "name" [mark]: value`.

A name is a JSON string, or stands as it is where it begins and ends with a slash: `link /docs/`.
Such a name runs to the last slash before the marks, the colon or the end. Where YAML would take a
key for something else, all of it stands in quotes. See Playwright's `ariaSnapshotRenderer.ts`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, quote
from systemzero_core.formats._ariatext import (
    CutOff,
    is_pattern,
    quoted,
    refuse_yaml,
    scalar,
    unescaped,
)

_ROLE = re.compile(r"[A-Za-z][\w-]*", re.ASCII)
_NAME = re.compile(r" (\"(?:[^\"\\]|\\.)*\")", re.DOTALL)
_MARK = re.compile(r" \[([^\]=\"]+)(?:=(\"(?:[^\"\\]|\\.)*\"|(?!\")[^\]]*))?\]", re.DOTALL)
_PROPERTY = re.compile(r"/[A-Za-z][\w-]*(?=: |:?$)", re.ASCII)
_UNCHANGED = re.compile(r"ref=\S* \[unchanged\]:?")
_CHANGED = "<changed> "

_Marks = tuple[tuple[str, str | None], ...]


class Line(NamedTuple):
    """A line taken apart.

    Attributes:
        role: role of the node, or the name of a property with its slash (`/url`).
        name: accessible name, empty where there is none.
        marks: what stands in brackets: (name, value or None).
        value: what follows the colon, or None.
        has_colon: whether there is a colon at all.
        pattern: the regular expression that stands for the name or the value, or empty.
        is_part: whether it belongs to a list of changes: not all of the screen is there.
    """

    role: str
    name: str = ""
    marks: _Marks = ()
    value: str | None = None
    has_colon: bool = False
    pattern: str = ""
    is_part: bool = False


def read(content: str, where: str) -> Line:
    """The parts of `content`; `where` names the line in errors.

    Raises:
        UnsafeInput: an anchor, an alias or a tag.
        CutOff: it ends inside a quote, a name or a mark.
        InvalidInput: not of the format.
    """
    if _UNCHANGED.fullmatch(content):
        return Line("", is_part=True)
    line = _keyed(content.removeprefix(_CHANGED), where)
    return line._replace(is_part=True) if content.startswith(_CHANGED) else line


def _keyed(content: str, where: str) -> Line:
    if content[:1] in ("'", '"'):
        key, rest = quoted(content, where)
        line, left = _key(key, where, whole=True)
        if left:
            raise InvalidInput.at(where, f'expected `role "name" [mark]`, not {quote(key)}')
    else:
        line, rest = _key(content, where, whole=False)
    return _valued(line, rest, where)


def _valued(line: Line, rest: str, where: str) -> Line:
    if not rest:
        if line.role.startswith("/"):
            raise CutOff.at(where, "a property without a colon")
        return line
    if rest != ":" and not rest.startswith(": "):
        is_open = rest == " " or rest.startswith(' "') or (rest[:2] == " [" and "]" not in rest)
        error = CutOff if is_open else InvalidInput
        raise error.at(where, f"expected a colon or the end at {quote(rest)}")
    text = rest[2:].strip()
    value = scalar(text, where) if text else None
    pattern = line.pattern
    if not pattern and text[:1] == "/" and line.role[:1] != "/" and line.role != "code":
        pattern = text if is_pattern(text) else ""
    return line._replace(has_colon=True, value=value, pattern=pattern)


def _key(content: str, where: str, *, whole: bool) -> tuple[Line, str]:
    """The key at the start of `content` (all of it, if it was quoted), and what follows it."""
    found = _PROPERTY.match(content)
    if found:
        return Line(found[0]), content[found.end() :]
    role = _ROLE.match(content)
    if role is None:
        refuse_yaml(content, where)
        error = CutOff if content in ("", "/") else InvalidInput
        raise error.at(where, f"expected a role, not {quote(content)}")
    if content.startswith(" /", role.end()):
        return _slashed(role[0], content[role.end() + 1 :], where, whole=whole)
    at, name = role.end(), ""
    named = _NAME.match(content, at)
    if named:
        at, name = named.end(), unescaped(named[1][1:-1])
    marks: list[tuple[str, str | None]] = []
    while mark := _MARK.match(content, at):
        marks.append(_mark(mark))
        at = mark.end()
    return Line(role[0], name, tuple(marks)), content[at:]


def _slashed(role: str, text: str, where: str, *, whole: bool) -> tuple[Line, str]:
    """A line whose name stands as it is; `text` begins with it."""
    end = len(text)
    if not whole:
        colon = text.find(": ")  # a key with such a colon inside would be quoted
        end = colon if colon >= 0 else end - text.endswith(":")
    rest = text[end:]
    marks: list[tuple[str, str | None]] = []
    while text.endswith("]", 0, end):
        at = text.rfind(" [", 0, end)
        mark = _MARK.fullmatch(text, at, end) if at >= 0 else None
        if mark is None:
            break
        marks.append(_mark(mark))
        end = at
    name = text[:end]
    if not name.endswith("/"):
        error = InvalidInput if rest or whole else CutOff
        raise error.at(where, f"a name that begins with a slash must end in one: {quote(name)}")
    pattern = name if is_pattern(name) else ""
    return Line(role, name, tuple(marks[::-1]), pattern=pattern), rest


def _mark(found: re.Match[str]) -> tuple[str, str | None]:
    value = found[2]
    if value and value[0] == '"':
        value = unescaped(value[1:-1])
    return found[1], value
