"""Which texts of one capture change by themselves, and within what.

A clock, a date beside one, an age, a time that something took, the value of a meter and a random
identifier are told from one capture alone: nobody wrote them. Whatever else has a number in it (a
price, a limit, a version, opening hours) may be what a person relies on, and is not among them.

A text is let off no more than the pieces that look live: what stands around them stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from systemzero_core.template.patterns import escape
from systemzero_core.template.shapes import Shape, Tokens, tokens
from systemzero_core.tree import Node

_MEASURED = frozenset({"progressbar", "meter"})
_SHOWN = ("title", "description", "alt", "valuetext")
"""Attributes in which a clock stands as it does in a name."""
_IDS = ("id", "name", "for", "automation-id", "resource-id")
_SECONDS = re.compile(r"\d:\d\d:\d\d")
_CUE = re.compile(
    r"\b(?:updated?|refreshed|reloaded|generated|checked|synce?d|as of|now|uptime|elapsed"
    r"|running for|up for)\b[^.;]{0,20}\Z",
    re.IGNORECASE,
)
_TOOK = re.compile(r"\b(?:took|in|elapsed|uptime|latency|duration)\b[^.;]{0,12}\Z", re.IGNORECASE)
_AGE = re.compile(r"(?:in )?(\d+)( (?:second|minute|hour|sec|min)s? ago)", re.IGNORECASE)
_FRACTION = re.compile(r"(?:in )?\d+[.,]\d+[ \u00a0]?(?:ms|[\u00b5\u03bcu]s|ns|s|secs?|seconds?)")
_PIECE = re.compile(r"[A-Za-z0-9]+")
_LONG = 8
_HEX = re.compile(r"(?=.*[a-f])(?=.*\d.*\d)[0-9a-f]{6,}")
_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE)


class Live(NamedTuple):
    """A field that changes by itself.

    Attributes:
        field: `name`, `value` or `attributes.KEY`.
        pattern: what it keeps to.
        why: what it looks like.
    """

    field: str
    pattern: str
    why: str


def live_fields(node: Node) -> Iterator[Live]:
    """The fields of a node that change by themselves."""
    if node.role in _MEASURED:
        yield from _measure(node)
    else:
        yield from _texts(node)
    for key, value in node.attributes:
        if key in _SHOWN and node.role not in _MEASURED:
            yield from _text(f"attributes.{key}", value)
        elif key in _IDS and (pattern := _identifier(value)):
            yield Live(f"attributes.{key}", pattern, "an identifier made at random")


def live_pattern(text: str) -> tuple[str, str] | None:
    """The pattern of a text with something live in it, and what that is; None for any other."""
    pieces = tokens(text)
    if not any(shape in (Shape.TIME, Shape.DURATION) for shape, _ in pieces):
        return None
    found: list[str] = []
    why = ""
    stamped = any(_is_clock(pieces, i) for i in range(len(pieces)))
    for i, (shape, piece) in enumerate(pieces):
        if stamped and shape in (Shape.TIME, Shape.DATE):
            found.append(f"{{{shape}}}")
            why = "a clock"
        elif shape is Shape.DURATION and (pattern := _duration(pieces, i)):
            found.append(pattern)
            why = why or "an age" if "ago" in piece else "a time that something took"
        else:
            found.append(escape(piece))
    return ("".join(found), why) if why else None


def _texts(node: Node) -> Iterator[Live]:
    yield from _text("name", node.name)
    yield from _text("value", node.value)


def _text(field: str, text: str) -> Iterator[Live]:
    if found := live_pattern(text):
        yield Live(field, *found)


def _measure(node: Node) -> Iterator[Live]:
    """What a meter shows; what it is called stays, but for its numbers."""
    why = f"the state of a {node.role}"
    yield Live("value", "{any}", why)
    pieces = tokens(node.name)
    if any(shape is not None for shape, _ in pieces):
        yield Live("name", "".join(map(_numberless, pieces)), why)
    if node.attribute("valuetext") is not None:
        yield Live("attributes.valuetext", "{any}", why)


def _numberless(piece: tuple[Shape | None, str]) -> str:
    shape, text = piece
    return escape(text) if shape in (None, Shape.MONEY) else f"{{{_loose(shape)}}}"


def _loose(shape: Shape | None) -> Shape | None:
    return Shape.NUMBER if shape is Shape.COUNT else shape


def _is_clock(pieces: Tokens, at: int) -> bool:
    shape, text = pieces[at]
    if shape is not Shape.TIME:
        return False
    return bool(_SECONDS.search(text)) or bool(_CUE.search(_before(pieces, at)))


def _duration(pieces: Tokens, at: int) -> str | None:
    """The pattern of a duration that is live: of its unit, so that minutes never become years."""
    text = pieces[at][1]
    if age := _AGE.fullmatch(text):
        return f"{{count}}{escape(age[2])}"
    if _FRACTION.fullmatch(text) or _TOOK.search(_before(pieces, at)):
        return f"{{{Shape.DURATION}}}"
    return None


def _before(pieces: Tokens, at: int) -> str:
    """What is written before a piece, dates left out."""
    return "".join(text for shape, text in pieces[:at] if shape is not Shape.DATE)


def _identifier(value: str) -> str | None:
    """The pattern of an identifier with a piece that nobody chose; None for any other."""
    pattern = "{any}".join(map(escape, _UUID.split(value)))
    if pattern != escape(value):
        return pattern
    at, found = 0, []
    for piece in _PIECE.finditer(value):
        if _is_random(piece[0]):
            found += [escape(value[at : piece.start()]), "{any}"]
            at = piece.end()
    return "".join([*found, escape(value[at:])]) if found else None


def _is_random(piece: str) -> bool:
    """Whether a word is none: hexadecimal, or its letters change their kind all the time."""
    if _HEX.fullmatch(piece):
        return True
    kinds = [character.isdigit() * 2 + character.isupper() for character in piece]
    changes = sum(a != b for a, b in pairwise(kinds))
    return len(piece) >= _LONG and 2 * changes >= len(piece)
