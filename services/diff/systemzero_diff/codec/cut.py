"""Texts and lists that may be of any length, cut to a number of bytes; what is cut says so.

Bytes are those of UTF-8. What fits is left as it is, and costs next to nothing to find out.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from systemzero_core.diff.quoting import first_difference

T = TypeVar("T")
M = TypeVar("M", bound="Sized")

CUT: Final = "…"
"""Where a text lacks something."""
_CUT_BYTES: Final = len(CUT.encode())
_MOST_BYTES: Final = 4  # of a character
_FRAME: Final = 5
"""What a message takes besides its own bytes in a list of them, at most: a tag and a length."""
_BEFORE: Final = 100
"""Characters before a late difference that are shown: what was said up to there."""


class Sized(Protocol):
    """A message, as far as its size goes."""

    def ByteSize(self) -> int:  # noqa: N802 - as protobuf calls it
        """The bytes that it takes."""


def text(value: str, most: int) -> tuple[str, int]:
    """`value` in at most `most` bytes, and how many characters it lacks."""
    if len(value) * _MOST_BYTES <= most:
        return value, 0
    whole = value[: most + 1].encode()
    if len(value) <= most and len(whole) <= most:
        return value, 0
    kept = whole[: most - _CUT_BYTES].decode("utf-8", "ignore")
    return kept + CUT, len(value) - len(kept)


def pair(old: str, new: str, most: int) -> tuple[tuple[str, int], tuple[str, int]]:
    """As `text`, of two values of one property: all that differs where it fits, else its beginning.

    What is left out around it is what both begin and end with.
    """
    first, second = text(old, most), text(new, most)
    if not (first[1] or second[1]):
        return first, second
    start, end = _around(old, new)
    parts = _part(old, start, len(old) - end), _part(new, start, len(new) - end)
    if max(len(part.encode()) for part, _ in parts) <= most:
        return parts
    return _from(old, start, most), _from(new, start, most)


def differ_within(old: str, new: str, most: int) -> bool:
    """Whether `pair` shows all that differs."""
    shown = pair(old, new, most)
    if not (shown[0][1] or shown[1][1]):
        return True
    start, end = _around(old, new)
    return shown == (_part(old, start, len(old) - end), _part(new, start, len(new) - end))


def _around(old: str, new: str) -> tuple[int, int]:
    """How many characters may be left out of both, before and after all that differs."""
    start = first_difference(old, new)
    end = first_difference(old[start:][::-1], new[start:][::-1])
    return max(start - _BEFORE, 0), max(end - _BEFORE, 0)


def _part(value: str, start: int, end: int) -> tuple[str, int]:
    before, after = CUT if start else "", CUT if end < len(value) else ""
    return before + value[start:end] + after, start + len(value) - end


def _from(value: str, start: int, most: int) -> tuple[str, int]:
    if not start:
        return text(value, most)
    kept, lacks = text(value[start:], most - _CUT_BYTES)
    return CUT + kept, start + lacks


def fitting(
    items: Sequence[T],
    encode: Callable[[T], M],
    room: int,
    most: int,
    weight: Callable[[T], float] = lambda _item: 0.0,
) -> list[M]:
    """Messages of those items that fit into `room` bytes, in their order; `most` of them at most.

    Where not all fit, those that weigh most are taken first, of equal ones the first.
    """
    if len(items) <= most:
        all_of_them = _as_many(range(len(items)), items, encode, room)
        if len(all_of_them) == len(items):
            return [message for _, message in all_of_them]
    heaviest = heapq.nsmallest(most, range(len(items)), key=lambda at: (-weight(items[at]), at))
    return [message for _, message in sorted(_as_many(heaviest, items, encode, room), key=_place)]


def _as_many(
    order: Sequence[int], items: Sequence[T], encode: Callable[[T], M], room: int
) -> list[tuple[int, M]]:
    taken: list[tuple[int, M]] = []
    for at in order:
        message = encode(items[at])
        room -= message.ByteSize() + _FRAME
        if room < 0:
            break
        taken.append((at, message))
    return taken


def _place(taken: tuple[int, object]) -> int:
    return taken[0]
