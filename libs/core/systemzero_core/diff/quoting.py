"""Names and values as a sentence quotes them: in one line, bounded, with what differs in sight."""

from __future__ import annotations

MAX_QUOTED = 60
"""Characters of a name or value that a sentence quotes, at most."""

_IN_SIGHT = 40
"""Up to here, a difference is seen where both texts are quoted from their beginning."""

_BEFORE = 20
"""Characters before a later difference that are quoted, at most: what was said up to there."""


def quoted(text: str) -> str:
    """`text` in quotation marks; of a long one the beginning."""
    return _marked(_cut(" ".join(text[: 4 * MAX_QUOTED].split())))


def quoted_pair(old: str, new: str) -> tuple[str, str]:
    """Both texts as `quoted` has them; long ones that differ late are cut around the difference."""
    if max(len(old), len(new)) <= MAX_QUOTED:
        return quoted(old), quoted(new)
    a, b = " ".join(old.split()), " ".join(new.split())
    at = first_difference(a, b)
    if at <= _IN_SIGHT or a == b or max(len(a), len(b)) <= MAX_QUOTED:
        return _marked(_cut(a)), _marked(_cut(b))
    blank = a.find(" ", at - _BEFORE, at)
    start = blank if blank >= 0 else at - _BEFORE
    return _marked("…" + _cut(a[start:])), _marked("…" + _cut(b[start:]))


def first_difference(a: str, b: str) -> int:
    """How many characters both begin with, found by comparing halves."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _cut(line: str) -> str:
    return line if len(line) <= MAX_QUOTED else line[: MAX_QUOTED - 1] + "…"


def _marked(line: str) -> str:
    return f"“{line}”"
