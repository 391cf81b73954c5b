"""Texts as they are compared to tell which screen it is: numbers do not matter, nor do blanks."""

from __future__ import annotations

import re
from typing import Final

from systemzero_core.characters import apart, known

LONGEST: Final = 160
"""Characters of a text that are looked at."""
_WORDS = 12
_LONGEST_URL = 2_000

_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_DIGIT = re.compile(r"\d")
_LETTERS = {i: chr(i).lower() if chr(i).isalpha() else " " for i in range(128)}
"""ASCII as words are read of it: letters in lower case, and blanks."""
_PATH = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?(?://[^/?#]*)?([^?#]*)")
_ROUTE = re.compile(r"[^#]*#!?(/[^?#]*)")


def fold(name: str) -> str:
    """The name as it is compared: blanks collapsed, numbers as `#`, at most 160 characters."""
    text = name[:LONGEST]
    if not text.isascii():
        return numberless(" ".join(text.split()))
    if text.isalpha():
        return text
    text = " ".join(text.split())
    return _NUMBER.sub("#", text) if _DIGIT.search(text) else text


def numberless(text: str) -> str:
    """`text` with `#` for each number."""
    return apart(text, lambda run: _NUMBER.sub("#", run))


def words_of(text: str) -> list[str]:
    """The first words of `text`, folded."""
    text = text[:LONGEST]
    if text.isascii():
        return text.translate(_LETTERS).split()[:_WORDS]
    return _WORD.findall(known(text).casefold())[:_WORDS]


def path_of(url: str) -> str:
    """The path of an address, without numbers."""
    found = _PATH.match(url, 0, _LONGEST_URL)
    return numberless(found[1]) if found else ""


def route_of(url: str) -> str:
    """The path that an application keeps behind the `#` of its address, without numbers."""
    found = _ROUTE.match(url, 0, _LONGEST_URL)
    return numberless(found[1]) if found else ""
