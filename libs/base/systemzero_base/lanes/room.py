"""Which work fits into memory beside what is under way.

Each lane has `OWN_BYTES`, which suffice for small work. Larger work is granted what it may need
besides, by an estimate, and is held to that. Where it turns out not to suffice, the work is done
anew with all that work may need. So what all lanes need together is bounded, whatever estimates are
worth, and small work has never to wait for memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from systemzero_base.lanes.settings import OWN_BYTES, LaneSettings

SMALL_WORK_BYTES: Final = 16_000_000
"""Work that may need more is granted it."""


class Room:
    """Memory for the work of `lanes` lanes, without what is their own."""

    def __init__(self, settings: LaneSettings, lanes: int) -> None:
        self._most = settings.memory_bytes - OWN_BYTES
        self._free = settings.memory_in_all_bytes - lanes * OWN_BYTES

    def grants(self, estimate: int) -> Iterator[int]:
        """How many bytes work gets besides, at its first try and where that did not suffice."""
        first = min(estimate, self._most) if estimate > SMALL_WORK_BYTES else 0
        yield first
        if first < self._most:
            yield self._most

    def fits(self, granted: int) -> bool:
        """Whether there is so much now."""
        return granted <= self._free

    def take(self, granted: int) -> None:
        """Work begins that has so much."""
        self._free -= granted

    def give_back(self, granted: int) -> None:
        """That work is over."""
        self._free += granted
