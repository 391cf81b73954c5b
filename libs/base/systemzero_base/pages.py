"""Pages of a listing, bounded by their bytes as well as by their rows.

An event or a capture carries its verdict, of some hundred bytes or of megabytes. A stock gRPC
client refuses a response of more than 4 MB, so that a page by rows alone might be one that nobody
can read; nor should one request have gigabytes read into memory.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

PAGE_BYTES = 2_000_000
"""What the rows of a page weigh together, unless one alone weighs more."""
BATCH_ROWS = 20
"""Rows that are read at a time."""


async def page_of(
    read: Callable[[T | None, int], Awaitable[Sequence[T]]], size: int, weigh: Callable[[T], int]
) -> tuple[list[T], bool]:
    """The rows of a page of at most `size`, at least one if there is one; whether more follow.

    Args:
        read: gives up to so many rows after a row, or the first ones.
        size: how many rows were asked for.
        weigh: a row's bytes.
    """
    page: list[T] = []
    room = PAGE_BYTES
    while True:
        count = min(size - len(page), BATCH_ROWS)
        found = await read(page[-1] if page else None, count + 1)
        for row in found[:count]:
            room -= weigh(row)
            if room < 0 and page:
                return page, True
            page.append(row)
        if len(found) <= count:
            return page, False
        if len(page) == size:
            return page, True
