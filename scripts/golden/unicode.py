"""What an interpreter's Unicode data come to, as far as anything of ours is read by them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Final

from systemzero_core._unicode14 import EDGES
from systemzero_core.characters import printable
from systemzero_core.errors import quote
from systemzero_core.match.texts import fold
from systemzero_core.normalize.text import normal_text

_PROPERTIES: Final[dict[str, Callable[[str], object]]] = {
    "blank": str.isspace,
    "case folding": str.casefold,
    "digit": str.isdecimal,
    "letter or number": str.isalnum,
    "lower case": str.lower,
    "normal text": normal_text,
    "printable": str.isprintable,
}


def properties() -> dict[str, str]:
    """For each property, a digest over all characters that Unicode 14.0 assigns."""
    edges = (0, *EDGES)
    runs = zip(edges[::2], edges[1::2], strict=False)  # the last code points are not assigned
    points = (point for start, end in runs for point in range(start, end))
    assigned = [chr(point) for point in points if not 0xD800 <= point < 0xE000]
    return {name: _digest(assigned, of) for name, of in _PROPERTIES.items()}


def _digest(characters: list[str], of: Callable[[str], object]) -> str:
    told = "\n".join(str(of(character)) for character in characters)
    return hashlib.sha256(told.encode()).hexdigest()


def read(text: str) -> dict[str, Any]:
    """What else is made of a text."""
    return {
        "normal": normal_text(text),
        "folded": fold(text),
        "printed": printable(text),
        "quoted": quote(text),
    }
