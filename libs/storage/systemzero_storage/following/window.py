"""The rows that a follower read last, for readers that are not far behind."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Final, Generic, Protocol, TypeVar

WINDOW_ROWS: Final = 256
WINDOW_BYTES: Final = 4_000_000
WINDOW_SECONDS: Final = 1.0
"""For so long at most another process's erasure is not seen in a row."""

_ROW_BYTES: Final = 1_000
"""What a row is taken to weigh beside what is weighed of it."""


class Positioned(Protocol):
    """A row that has its place in the order of its tenant's commits."""

    @property
    def position(self) -> int:
        """From 1."""
        ...


T = TypeVar("T", bound=Positioned)
_position: Callable[[Positioned], int] = attrgetter("position")


class Window(Generic[T]):
    """Rows in the order of their positions, without a gap, bounded in number, bytes and age.

    Invariant: every row of the tenant after `floor` and up to the last one read is here.
    """

    def __init__(
        self,
        floor: int,
        weigh: Callable[[T], int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Empty. `weigh` tells a row's bytes, `clock` seconds."""
        self._floor = floor
        self._weigh = weigh
        self._clock = clock
        self._rows: list[T] = []
        self._times: list[float] = []
        self._bytes = 0

    def push(self, rows: Sequence[T]) -> None:
        """Add the rows that follow; the oldest go where there is no room."""
        now = self._clock()
        for row in rows:
            self._rows.append(row)
            self._times.append(now)
            self._bytes += _ROW_BYTES + self._weigh(row)
        gone, left = max(0, len(self._rows) - WINDOW_ROWS), self._bytes
        left -= self._weight(0, gone)
        while left > WINDOW_BYTES:
            left -= self._weight(gone, gone + 1)
            gone += 1
        self._drop(gone)

    def floor(self) -> int:
        """After which position there are all rows; what is too old goes before."""
        self._drop(bisect_right(self._times, self._clock() - WINDOW_SECONDS))
        return self._floor

    def after(self, position: int) -> T | None:
        """The first row after `position`, which is not before the floor; None if there is none."""
        index = bisect_right(self._rows, position, key=_position)
        return self._rows[index] if index < len(self._rows) else None

    def _weight(self, start: int, end: int) -> int:
        return sum(_ROW_BYTES + self._weigh(row) for row in self._rows[start:end])

    def _drop(self, count: int) -> None:
        if not count:
            return
        self._floor = self._rows[count - 1].position
        self._bytes -= self._weight(0, count)
        del self._rows[:count], self._times[:count]
