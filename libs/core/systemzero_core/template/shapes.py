"""The shapes of live texts: numbers, money, dates, times, durations, ids, addresses.

They are looked for by RE2, in time linear in the text, however hostile, and in a text's spelling
(`alphabet`), so that what is found depends on neither the interpreter nor its Unicode data.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import cache, cached_property, lru_cache
from typing import Any, Final, TypeAlias

from systemzero_core.template import alphabet
from systemzero_core.template.alphabet import spelt

MAX_TEXT = 20_000
"""Characters of a text that are looked at for shapes; what is beyond stays literal."""


class Shape(StrEnum):
    """What a hole of a pattern stands for."""

    COUNT = "count"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    TIME = "time"
    DURATION = "duration"
    UUID = "uuid"
    EMAIL = "email"
    URL = "url"
    ANY = "any"


VOLATILE = frozenset(
    {Shape.COUNT, Shape.NUMBER, Shape.DATE, Shape.TIME, Shape.DURATION, Shape.UUID}
)
"""Shapes that change by themselves on a live screen. Prices and addresses change on purpose."""

_NB, _SIGNS = alphabet.NO_BREAK, f"+\\-{alphabet.MINUS}"
_GROUPED = rf"\d{{1,3}}(?:[,.'{alphabet.APOSTROPHE}{_NB}{alphabet.NARROW_NO_BREAK} ]\d{{3}}){{1,8}}"
_COUNT = rf"(?:{_GROUPED}|\d{{1,40}})"
_NUMBER = rf"[{_SIGNS}]?{_COUNT}(?:[.,]\d{{1,40}})?(?:e[+\-]?\d{{1,3}})?"
_CURRENCY = (
    rf"(?:[${alphabet.CURRENCY}]|(?:us|ca|au|nz|hk)\$"
    r"|(?:usd|eur|gbp|jpy|chf|cny|inr|sek|nok|dkk|pln|czk|cad|aud)\b)"
)
_MONEY = (
    rf"(?:[{_SIGNS}]?{_CURRENCY}[ {_NB}]?{_NUMBER}"
    rf"|{_NUMBER}[ {_NB}]?(?:{_CURRENCY}|kr\b|z{alphabet.POLISH_L}\b))"
)
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WEEKDAY = r"(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?,? "
_DATE = (
    r"(?:\d{4}[\-/.]\d{1,2}[\-/.]\d{1,2}"
    r"|\d{1,2}[\-/.]\d{1,2}[\-/.](?:\d{4}|\d{2})"
    rf"|(?:{_WEEKDAY})?{_MONTH} \d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?"
    rf"|(?:{_WEEKDAY})?\d{{1,2}}(?:st|nd|rd|th|\.)?[ \-]{_MONTH}(?:[ \-,]{{1,2}}\d{{4}})?)"
)
_HALF = r"[ap]\.?m\b\.?"
_TIME = (
    rf"(?:\d{{1,2}}[:.]\d{{2}} ?{_HALF}|\d{{1,2}}:\d{{2}}(?::\d{{2}}(?:[.,]\d{{1,12}})?)?"
    rf"(?: ?{_HALF})?)(?:z\b| ?(?:utc|gmt)\b)?(?:[{_SIGNS}]\d{{2}}:?\d{{2}})?"
)
_UNIT = (
    rf"(?:milliseconds?|minutes?|months?|mins?|mos?|ms|m|[{alphabet.MICRO}u]s|ns|seconds?|secs?|s"
    r"|hours?|hrs?|h|days?|d|weeks?|w|years?|yrs?|y)"
)
_SPAN = rf"\d{{1,12}}(?:[.,]\d{{1,12}})?[ {_NB}]?{_UNIT}"
_DURATION = (
    rf"(?:(?:in )?{_SPAN}(?:(?:,? ?|(?:, ?| )and ){_SPAN}){{0,5}}(?: ago\b)?"
    r"|(?:an?|one|a few) (?:second|minute|hour|day|week|month|year)s? ago\b|just now\b)"
)
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}"
_EMAIL = r"[a-z0-9][a-z0-9._%+\-]{0,63}@(?:[a-z0-9\-]{1,63}\.){1,8}[a-z]{2,24}"
_URL = rf"(?:https?|ftp|file|wss?|mailto|tel):(?://)?[^{alphabet.BLANKS}<>\"']{{1,500}}"

# RE2 looks neither behind nor ahead, so what must stand there is matched beside the shape's group.
_NO_DIGIT = r"(?:\D|\z)"
_ENDS: Final = {
    Shape.DURATION: r"(?:[^a-zA-Z_]|\z)",
    Shape.UUID: r"(?:[^0-9a-f]|\z)",
    Shape.EMAIL: "",
    Shape.URL: "",
}
_SOURCES: Final = {
    Shape.COUNT: _COUNT,
    Shape.NUMBER: _NUMBER,
    Shape.MONEY: _MONEY,
    Shape.DATE: _DATE,
    Shape.TIME: _TIME,
    Shape.DURATION: _DURATION,
    Shape.UUID: _UUID,
    Shape.EMAIL: _EMAIL,
    Shape.URL: _URL,
}

# The order is the precedence: an address holds numbers, a date holds counts, not the other way.
_PRECEDENCE: Final = (
    Shape.URL,
    Shape.EMAIL,
    Shape.UUID,
    Shape.DATE,
    Shape.TIME,
    Shape.MONEY,
    Shape.DURATION,
    Shape.NUMBER,
)
# A number neither starts nor ends within a word or a dotted version: the 3 of "OAS3" and the 1.4.0
# of "Shop API 1.4.0" are names. The two characters before:
_STARTS: Final = {
    Shape.NUMBER: rf"(?:.[^\w{_SIGNS}.,:/]|\W[{_SIGNS}]|\D[.,:/])",
    Shape.TIME: r".[^\d:.]",
    Shape.DATE: r".[^\d\-/.a-zA-Z]",
}
_WORD_STARTS: Final = r"(?:.[^\w.,]|\D[.,])"
_WORD_ENDS: Final = {Shape.NUMBER: r"(?:[^\w.,:/\-]|[.,:/\-]\D|[.,:/\-]?\z)"}
_MAYBE_RUN = re.compile(r"\d+|@|:|now|ago", re.IGNORECASE)
_CONTEXT: Final = 2
_DIGITS: Final = 40
_SHORT: Final = 200
"""Characters of a text whose pieces are remembered, at most: what is remembered stays small."""

Tokens: TypeAlias = tuple[tuple[Shape | None, str], ...]
_MAYBE_LIVE = re.compile(r"\d|now|ago", re.IGNORECASE)
_MAYBE = re.compile(r"\d|@|:|now|ago", re.IGNORECASE)


def _compiled(source: str) -> Any:
    import re2

    return re2.compile(f"(?s){source}".encode())


@cache
def _token() -> Any:
    """The next token: the two characters before it, one group a shape, what has to follow."""
    return _compiled(
        "|".join(
            f"{_STARTS.get(shape, _WORD_STARTS)}({_SOURCES[shape]})"
            f"{_WORD_ENDS.get(shape, _ENDS.get(shape, _NO_DIGIT))}"
            for shape in _PRECEDENCE
        )
    )


@cache
def _counted() -> Any:
    return _compiled(_COUNT)


class ShapeMatch:
    """Where a text of one shape stands in a spelling, whatever is around it."""

    def __init__(self, shape: Shape) -> None:
        self._source = f"({_SOURCES[shape]}){_ENDS.get(shape, _NO_DIGIT)}"

    @cached_property
    def _expression(self) -> Any:
        return _compiled(self._source)

    def end(self, spelling: bytes, at: int) -> int:
        """Where the longest one that starts at `at` ends; -1 where there is none."""
        found = self._expression.match(spelling, at)
        return found.end(1) if found else -1

    def first(self, spelling: bytes, at: int) -> int:
        """Where the first one from `at` on starts; -1 where there is none."""
        found = self._expression.search(spelling, at)
        return found.start(1) if found else -1


HOLES: Final = {shape: ShapeMatch(shape) for shape in _SOURCES}


def tokens(text: str) -> Tokens:
    """`text` cut into literal pieces (shape None) and pieces of a recognised shape, in order."""
    if not _MAYBE.search(text):
        return ((None, text),) if text else ()
    return _cut_before(text) if len(text) <= _SHORT else _cut_lately(text)


def _cut(text: str) -> Tokens:
    spelling = bytes(_CONTEXT) + spelt(text[:MAX_TEXT])
    pieces: list[tuple[Shape | None, str]] = []
    at = 0
    while _MAYBE.search(text, at) and (found := _token().search(spelling, at)):
        group = found.lastindex
        start, end = found.start(group) - _CONTEXT, found.end(group) - _CONTEXT
        if start > at:
            pieces.append((None, text[at:start]))
        shape = _PRECEDENCE[group - 1]
        if shape is Shape.NUMBER and _is_count(spelling, *found.span(group)):
            shape = Shape.COUNT
        pieces.append((shape, text[start:end]))
        at = end
    if at < len(text):
        pieces.append((None, text[at:]))
    return tuple(pieces)


# Whoever weighs, masks and reads an edit asks about the same few texts a dozen times over.
_cut_before = lru_cache(maxsize=4096)(_cut)
_cut_lately = lru_cache(maxsize=16)(_cut)


def pieces_at_most(text: str) -> int:
    """A bound, cheap to have, on how many pieces of a shape `tokens` finds in `text`."""
    return len(_MAYBE_RUN.findall(text[:MAX_TEXT]))


def _is_count(spelling: bytes, start: int, end: int) -> bool:
    """Whether the number at [start, end) has no sign and no decimals, and is no percentage."""
    if spelling[end : end + 1] == b"%":
        return False
    if end - start <= _DIGITS and spelling[start:end].isdigit():
        return True
    return _counted().fullmatch(spelling, start, end) is not None


def mask(text: str) -> str:
    """`text` with each live value (a piece of a volatile shape) replaced by its shape in braces.

    Counts and numbers become the same `{number}`, so that `9` and `9.5` mask alike. Prices and
    addresses stay: one that changed is not the same text.
    """
    if not _MAYBE_LIVE.search(text):
        return text
    return "".join(
        f"{{{_loose(shape)}}}" if shape in VOLATILE else piece for shape, piece in tokens(text)
    )


def only_volatile_differs(old: str, new: str) -> bool:
    """Whether two unequal texts are one text with other live values in it."""
    a, b = tokens(old), tokens(new)
    if len(a) != len(b):
        return False
    return all(
        p == q or (_loose(s) == _loose(t) and s in VOLATILE)
        for (s, p), (t, q) in zip(a, b, strict=True)
    )


def _loose(shape: Shape | None) -> Shape | None:
    return Shape.NUMBER if shape is Shape.COUNT else shape
