"""Which work fits into memory beside what is under way.

Each lane has `OWN_BYTES`, which suffice for small work. Larger work is granted what it may need
besides, by an estimate, and is held to that. Where it turns out not to suffice, the work is done
anew with all that work may need. So what all lanes need together is bounded, whatever estimates are
worth, and small work has never to wait for memory.

`ASIDE_BYTES` are set aside for tenants with nothing under way: work of one that needs no more does
not wait behind another's that has all the rest, and takes nothing from what waits for the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from systemzero_base.lanes.settings import ASIDE_BYTES, OWN_BYTES, LaneSettings

SMALL_WORK_BYTES: Final = 16_000_000
"""Work that may need more is granted it."""


class MemoryRoom:
    """Memory for the work of `lanes` lanes, without what is their own."""

    def __init__(self, settings: LaneSettings, lanes: int) -> None:
        self._most = settings.memory_bytes - OWN_BYTES
        self._free = settings.memory_in_all_bytes - ASIDE_BYTES - lanes * OWN_BYTES
        self._aside = ASIDE_BYTES

    def grants(self, estimate: int) -> Iterator[int]:
        """How many bytes work gets besides, at its first try and where that did not suffice."""
        first = min(estimate, self._most) if estimate > SMALL_WORK_BYTES else 0
        yield first
        if first < self._most:
            yield self._most

    def fits(self, granted: int, *, aside: bool = False) -> bool:
        """Whether there is so much now; with `aside`, of what is set aside."""
        return granted <= (self._aside if aside else self._free)

    def take(self, granted: int, *, aside: bool = False) -> None:
        """Work begins that has so much."""
        if aside:
            self._aside -= granted
        else:
            self._free -= granted

    def give_back(self, granted: int, *, aside: bool = False) -> None:
        """That work is over."""
        self.take(-granted, aside=aside)
