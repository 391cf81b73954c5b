"""Numbers of payment cards: 13 to 19 digits, with or without separators, by their check digit.

ISO/IEC 7812: a bank's card begins with 2 to 6, and its digits pass the Luhn check. Groups have at
least three digits, the first one four: rows of small numbers (a calendar, a date) are no cards.
"""

from __future__ import annotations

import re
from typing import Final

SHORTEST: Final = 13
"""Digits of a card's number, at least."""
_NUMBER: Final = re.compile(
    "(?<![0-9])[2-6][0-9]{3}(?:[0-9]{9,15}|(?:[ .\u00a0\u202f\u2009\u2010-\u2013-][0-9]{3,7}){2,4})"
    "(?![0-9])"
)
_DIGITS: Final = re.compile("[0-9]+")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def card_numbers_in(text: str) -> set[str]:
    """The numbers of cards in `text`, as they are written there."""
    return {
        found[0] for found in _NUMBER.finditer(text) if is_card("".join(_DIGITS.findall(found[0])))
    }


def is_card(digits: str) -> bool:
    """Whether these digits may be a card's number."""
    if not SHORTEST <= len(digits) <= 19:
        return False
    reverse = [int(digit) for digit in digits[::-1]]
    return (sum(reverse[::2]) + sum(_DOUBLED[digit] for digit in reverse[1::2])) % 10 == 0
