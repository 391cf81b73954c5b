"""Counts and lists as a sentence has them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_SPELT: Final = {
    "listitem": "list item",
    "columnheader": "column header",
    "rowheader": "row header",
    "generic": "part",
    "img": "picture",
    "menuitem": "menu item",
    "contentinfo": "footer",
    "": "node",
}


def counted(count: int, noun: str) -> str:
    """`5 buttons`, `1 list item`."""
    word = spelt(noun)
    return f"{count} {word if count == 1 else _plural(word)}"


def spelt(noun: str) -> str:
    """What people call a role."""
    return _SPELT.get(noun, noun)


def listed(items: Sequence[str], most: int) -> str:
    """`a, b and c`; of many the first, and how many more."""
    shown = [*items[:most]]
    more = len(items) - len(shown)
    if more == 1:
        shown, more = [*items], 0
    if more:
        return f"{', '.join(shown)} and {more} more"
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} and {shown[-1]}"


def numbers(sorted_: Sequence[int]) -> str:
    """`3-9, 12`: ascending numbers, those in a row by the first and the last."""
    runs: list[list[int]] = []
    for number in sorted_:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _plural(word: str) -> str:
    if word.endswith(("x", "s", "ch", "sh")):
        return f"{word}es"
    return f"{word[:-1]}ies" if word.endswith("ry") else f"{word}s"
