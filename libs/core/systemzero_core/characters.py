"""Characters as Unicode 14.0 knows them, whatever the interpreter's own Unicode data.

Each release of Python brings newer data: a letter, digit or mark that it has come to know would be
read otherwise than by an earlier one, and the same capture would have another digest, mask or
verdict. What Unicode 14.0, the data of the oldest interpreter supported, assigns keeps its meaning
in every later version (its stability policies; a test compares). What it does not assign is here
called *new*, and is nothing but itself: no letter, digit or blank, and left as it is.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from functools import cache, lru_cache

_LONG_RUN = 0x80
"""Assigned code points in a row that are worth a place in the expression for what need not be
looked up."""
_NOTHING = "\uffff"
"""A code point that no version of Unicode will ever assign."""


def known(text: str) -> str:
    """`text`, as long as it is, with U+FFFF for each new character: for expressions and tests."""
    if text.isascii() or not _suspects().search(text):
        return text
    return _suspects().sub(lambda found: _NOTHING if _is_new(found[0]) else found[0], text)


def apart(text: str, change: Callable[[str], str]) -> str:
    """`text` with `change` made of each run of characters that are not new.

    For mappings of Unicode's (case, composition), to which a new character is a boundary.
    """
    if text.isascii() or not _suspects().search(text):
        return change(text)
    pieces, at = [], 0
    for found in _suspects().finditer(text):
        if _is_new(found[0]):
            pieces += [change(text[at : found.start()]), found[0]]
            at = found.end()
    return "".join([*pieces, change(text[at:])])


def escaped(text: str) -> str:
    """`text` with the escape of each new character, as `repr` writes it, in its place."""
    if text.isascii():
        return text
    return _suspects().sub(lambda m: ascii(m[0])[1:-1] if _is_new(m[0]) else m[0], text)


def printable(text: str) -> str:
    """`text` with a blank for each control character and its like; new characters stay."""
    if text.isprintable() and text.isascii():
        return text
    marks = known(text)
    return "".join(
        c if mark.isprintable() or mark != c else " " for c, mark in zip(text, marks, strict=True)
    )


@cache
def _suspects() -> re.Pattern[str]:
    """One character that has to be looked up: none of the long runs of assigned ones."""
    edges = _edges()
    runs = zip((0, *edges[1::2]), edges[::2], strict=False)
    long = [f"{chr(at)}-{chr(end - 1)}" for at, end in runs if end - at >= _LONG_RUN]
    return re.compile(f"[^{''.join(long)}]")


@lru_cache(maxsize=4096)
def _is_new(character: str) -> bool:
    return bisect_right(_edges(), ord(character)) % 2 == 1


def _edges() -> tuple[int, ...]:
    from systemzero_core._unicode14 import EDGES

    return EDGES
