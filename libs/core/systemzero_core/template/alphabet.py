r"""Texts spelt in the alphabet of the shapes: one ASCII byte for each character.

Shapes are looked for in the spelling, so that an expression is small, its offsets are those of the
text, and `\d`, `\w` and `\b` mean what they say for every script, on every interpreter:

- letters are in lower case; every decimal digit is `0` to `9`;
- other letters and numbers are `L`, those that shapes name have a capital of their own;
- signs that shapes name have a byte below the blank; other blanks are U+001C, all else is U+0000.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from systemzero_core.characters import known

MICRO: Final = "M"
POLISH_L: Final = "W"
NO_BREAK: Final = "\x01"
NARROW_NO_BREAK: Final = "\x02"
APOSTROPHE: Final = "\x03"
MINUS: Final = "\x04"
CURRENCY: Final = "\x05"
BLANKS: Final = r"\t-\r\x1c-\x20\x01\x02"
"""Every blank of the alphabet, as it stands in a class."""

_LETTER, _BLANK, _OTHER = "L", "\x1c", "\0"
_NAMED: Final = {
    "\u00b5": MICRO,
    "\u03bc": MICRO,
    "\u0142": POLISH_L,
    "\u0141": POLISH_L,
    "\u00a0": NO_BREAK,
    "\u202f": NARROW_NO_BREAK,
    "\u2019": APOSTROPHE,
    "\u2212": MINUS,
    **dict.fromkeys("£€¥₹₩₽₺฿¢", CURRENCY),
}
_REMEMBERED = 4096


class _Spelling(dict[int, str]):
    """Code point to its letter, worked out once for the first few thousand that come along."""

    def __missing__(self, point: int) -> str:
        letter = _letter(chr(point))
        if len(self) < _REMEMBERED:
            self[point] = letter
        return letter


def _letter(character: str) -> str:
    if character.isascii():
        plain = character.isprintable() or character.isspace()
        return character.lower() if plain else _OTHER
    if character in _NAMED:
        return _NAMED[character]
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character.isalnum():
        return _LETTER
    return _BLANK if character.isspace() else _OTHER


_SPELLING: Final = _Spelling()


def spelt(text: str) -> bytes:
    """`text` in the alphabet, a byte a character."""
    if text.isascii() and text.isprintable():
        return text.lower().encode()
    return known(text).translate(_SPELLING).encode()
