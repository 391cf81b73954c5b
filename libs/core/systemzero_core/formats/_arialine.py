"""One line of a Playwright aria snapshot, after its dash: `role "name" [mark]: value`."""

from __future__ import annotations

import re
from typing import NamedTuple

from systemzero_core.errors import InvalidInput, UnsafeInput, quote

_KEY = re.compile(
    r"(?P<role>[A-Za-z][A-Za-z0-9_-]*)"
    r"(?: (?P<name>\"(?:[^\"\\]|\\.)*\"|/(?:[^/\\]|\\.)*/))?"
    r"(?P<marks>(?: \[[^\]]*\])*)"
)
_PROPERTY = re.compile(r"/(?P<property>[a-z-]+)")
_MARK = re.compile(r" \[([a-z-]+)(?:=([^\]]*))?\]")
_SINGLE = re.compile(r"'((?:[^']|'')*)'")
_DOUBLE = re.compile(r"\"((?:[^\"\\]|\\.)*)\"")
_ESCAPE = re.compile(r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)
_ESCAPED = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "0": "\0", "e": "\x1b"}
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Line(NamedTuple):
    """A line taken apart.

    Attributes:
        role: role of the node, or the name of a property with its slash (`/url`).
        name: accessible name, empty where there is none.
        marks: what stands in brackets: (name, value or None).
        value: what follows the colon, or None.
        has_colon: whether there is a colon at all.
    """

    role: str
    name: str
    marks: tuple[tuple[str, str | None], ...]
    value: str | None
    has_colon: bool


def read(content: str, where: str) -> Line:
    """The parts of `content`; `where` names the line in errors.

    Raises:
        UnsafeInput: an anchor, an alias or a tag.
        InvalidInput: not of the format.
    """
    key, rest = _key(content, where)
    if rest not in ("", ":") and not rest.startswith(": "):
        raise InvalidInput.at(where, f"expected a colon or the end at {quote(rest)}")
    value = _scalar(rest[2:].strip(), where) if len(rest) > 2 else None
    found = _PROPERTY.fullmatch(key)
    if found:
        return Line(key, "", (), value, has_colon=True)
    found = _KEY.fullmatch(key)
    if found is None:
        raise InvalidInput.at(where, f'expected `role "name" [mark]`, not {quote(key)}')
    marks = tuple((m[1], m[2]) for m in _MARK.finditer(found["marks"]))
    return Line(found["role"], _name(found["name"], where), marks, value, has_colon=bool(rest))


def _key(content: str, where: str) -> tuple[str, str]:
    """The key, without quotes, and what follows it."""
    if content[:1] in ("'", '"'):
        return _quoted(content, where)
    found = _PROPERTY.match(content) or _KEY.match(content)
    if found is None:
        _refuse_yaml(content, where)
        raise InvalidInput.at(where, f"expected a role, not {quote(content)}")
    return found[0], content[found.end() :]


def _quoted(text: str, where: str) -> tuple[str, str]:
    """A quoted scalar at the start of `text`, and what follows it."""
    found = (_SINGLE if text[0] == "'" else _DOUBLE).match(text)
    if found is None:
        raise InvalidInput.at(where, "a quote that is not closed")
    if text[0] == "'":
        return found[1].replace("''", "'"), text[found.end() :]
    return _unescaped(found[1], where), text[found.end() :]


def _scalar(text: str, where: str) -> str:
    if text[:1] in ("'", '"'):
        value, rest = _quoted(text, where)
        if rest.strip():
            raise InvalidInput.at(where, f"text after the closing quote: {quote(rest)}")
        return value
    _refuse_yaml(text, where)
    return text


def _refuse_yaml(text: str, where: str) -> None:
    """Refuse what YAML would give a meaning that no snapshot has."""
    if text[:1] in ("&", "*", "!"):
        raise UnsafeInput.at(where, "anchors, aliases and tags are refused")
    if text[:1] in ("{", "[", "|", ">", "%", "@", "`"):
        raise InvalidInput.at(where, f"no part of an aria snapshot: {quote(text)}")


def _name(text: str | None, where: str) -> str:
    if text is None or text.startswith("/"):
        return text or ""
    return _unescaped(text[1:-1], where)


def _unescaped(text: str, where: str) -> str:
    if "\\" not in text:
        return text
    # JSON writes what is beyond the basic plane as two halves: put them together.
    text = _PAIR.sub(_join, _ESCAPE.sub(_character, text))
    if any("\ud800" <= c <= "\udfff" for c in text):
        raise InvalidInput.at(where, "half a surrogate pair")
    return text


def _character(found: re.Match[str]) -> str:
    code = found[1] or found[2] or found[3]
    if code is None:
        return _ESCAPED.get(found[4], found[4])
    number = int(code, 16)
    return chr(number) if number <= 0x10FFFF else "\ufffd"


def _join(found: re.Match[str]) -> str:
    return found[0].encode("utf-16", "surrogatepass").decode("utf-16")
