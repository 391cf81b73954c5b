"""The shapes of live texts: numbers, money, dates, times, durations, ids, addresses.

Every expression is bounded in length and made of possessive or atomic parts, so that no text,
however hostile, costs more than a constant per character.
"""

from __future__ import annotations

import re
from enum import StrEnum

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

_GROUPED = r"\d{1,3}+(?:[,.'\u2019\u00a0\u202f ]\d{3}(?!\d)){1,8}+"
_NUMBER = (
    rf"[+\-\u2212]?+(?>{_GROUPED}|\d{{1,40}}+)(?:[.,]\d{{1,40}}+)?+(?:[eE][+\-]?+\d{{1,3}}+)?+"
)
_COUNT = rf"(?>{_GROUPED}|\d{{1,40}}+)"
_CURRENCY = (
    r"(?>[$€£¥₹₩₽₺฿¢]|(?:US|CA|AU|NZ|HK)\$"
    r"|(?:USD|EUR|GBP|JPY|CHF|CNY|INR|SEK|NOK|DKK|PLN|CZK|CAD|AUD)\b)"
)
_MONEY = (
    rf"(?>[+\-\u2212]?+{_CURRENCY}[ \u00a0]?+{_NUMBER}"
    rf"|{_NUMBER}[ \u00a0]?+(?>{_CURRENCY}|kr\b|zł\b))"
)
_MONTH = (
    r"(?>jan(?:uary)?+|feb(?:ruary)?+|mar(?:ch)?+|apr(?:il)?+|may|june?+|july?+|aug(?:ust)?+"
    r"|sept?+(?:ember)?+|oct(?:ober)?+|nov(?:ember)?+|dec(?:ember)?+)\b\.?+"
)
_WEEKDAY = r"(?>mon|tues?+|wed(?:nes)?+|thu(?:rs)?+|fri|sat(?:ur)?+|sun)(?:day)?+\b\.?+,?+[ ]"
_DATE = (
    r"(?>\d{4}[\-/.]\d{1,2}+[\-/.]\d{1,2}+(?!\d)"
    r"|\d{1,2}+[\-/.]\d{1,2}+[\-/.](?:\d{4}|\d{2})(?!\d)"
    rf"|(?:{_WEEKDAY})?+{_MONTH}[ ]\d{{1,2}}+(?:st|nd|rd|th)?+(?:,?+[ ]\d{{4}}(?!\d))?+"
    rf"|(?:{_WEEKDAY})?+\d{{1,2}}+(?:st|nd|rd|th|\.)?+[ \-]{_MONTH}"
    r"(?:[ \-,]{1,2}+\d{4}(?!\d))?+)"
)
_TIME = (
    r"(?>\d{1,2}+[:.]\d{2}(?=[ ]?[ap]\.?m)|\d{1,2}+:\d{2}(?!\d))"
    r"(?::\d{2}(?!\d)(?:[.,]\d{1,9}+)?+)?+"
    r"(?:[ ]?+[ap]\.?+m\b\.?+)?+(?:Z\b|[ ]?+(?:UTC|GMT)\b)?+(?:[+\-\u2212]\d{2}:?+\d{2}(?!\d))?+"
)
_UNIT = (
    r"(?>ns|[µμu]s|ms|milliseconds?+|seconds?+|secs?+|s|minutes?+|mins?+|m|hours?+|hrs?+|h"
    r"|days?+|d|weeks?+|w|months?+|mos?+|years?+|yrs?+|y)(?![^\W\d])"
)
_SPAN = rf"\d{{1,12}}+(?:[.,]\d{{1,12}}+)?+[ \u00a0]?+{_UNIT}"
_DURATION = (
    rf"(?>(?:in[ ])?+{_SPAN}(?:,?+[ ]?+(?:and[ ])?+{_SPAN}){{0,5}}+(?:[ ]ago\b)?+"
    r"|(?:an?|one|a[ ]few)[ ](?:second|minute|hour|day|week|month|year)s?+[ ]ago\b|just[ ]now\b)"
)
_UUID = r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])"
_EMAIL = r"[a-z0-9][a-z0-9._%+\-]{0,63}+@(?>[a-z0-9\-]{1,63}+\.){1,8}+[a-z]{2,24}+"
_URL = r"(?:https?|ftp|file|wss?|mailto|tel):(?://)?+[^\s<>\"']{1,500}+"

SOURCES: dict[Shape, str] = {
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
"""One expression a shape, to be compiled with `re.IGNORECASE`."""

# The order is the precedence: an address holds numbers, a date holds counts, not the other way.
_PRECEDENCE = (
    Shape.URL,
    Shape.EMAIL,
    Shape.UUID,
    Shape.DATE,
    Shape.TIME,
    Shape.MONEY,
    Shape.DURATION,
    Shape.COUNT,
    Shape.NUMBER,
)
# A count, a sign or a decimal apart, is a number. Neither starts or ends within a word or a dotted
# version: the 3 of "OAS3" and the 1.4.0 of "Shop API 1.4.0" are names.
_EDGES = {
    Shape.COUNT: (r"(?<![\w+\-\u2212])(?<!\d[.,:/])", r"(?![\w%])(?![.,:/\-]\d)"),
    Shape.NUMBER: (r"(?<!\w)(?<!\w[+\-\u2212])(?<!\d[.,:/])", r"(?!\w)(?![.,:/\-]\d)"),
    Shape.TIME: (r"(?<![\d:.])", ""),
    Shape.DATE: (r"(?<![\d\-/.])(?<![^\W\d_])", ""),
}
_WORD_EDGES = (r"(?<!\w)(?<!\d[.,])", "")
_TOKEN = re.compile(
    "|".join(
        "(?P<{}>{}{}{})".format(
            shape, *(lambda e, s: (e[0], s, e[1]))(_EDGES.get(shape, _WORD_EDGES), SOURCES[shape])
        )
        for shape in _PRECEDENCE
    ),
    re.IGNORECASE,
)
_MAYBE_LIVE = re.compile(r"\d|now|ago", re.IGNORECASE)
_MAYBE = re.compile(r"\d|@|:|now|ago", re.IGNORECASE)


def tokens(text: str) -> list[tuple[Shape | None, str]]:
    """`text` cut into literal pieces (shape None) and pieces of a recognised shape, in order."""
    if not _MAYBE.search(text):
        return [(None, text)] if text else []
    found: list[tuple[Shape | None, str]] = []
    at = 0
    for match in _TOKEN.finditer(text, 0, min(len(text), MAX_TEXT)):
        if match.start() > at:
            found.append((None, text[at : match.start()]))
        found.append((Shape(match.lastgroup or ""), match.group()))
        at = match.end()
    if at < len(text):
        found.append((None, text[at:]))
    return found


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
