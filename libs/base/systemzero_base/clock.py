"""The wall clock, as the services hand it to what needs a time; and whether to erase by it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

LEAP: Final = 3_600.0
"""Seconds by which a clock that runs does not gain on one that never goes back."""
PAUSE: Final = 86_400.0
"""Seconds after a leap in which what grew old by it is kept."""
LEAPT: Final = (
    "the clock is far ahead of what was written last; nothing is erased for being old, until it "
    "has gone on for a day from there, or is set back"
)
_QUIET: Final = 86_400.0
"""Seconds in which something was written, where anybody works."""


def micros() -> int:
    """Now, in microseconds since 1970, UTC."""
    return time.time_ns() // 1_000


class Trust:
    """Whether the clock may be believed by what erases for good what is old.

    A clock that is set far ahead makes everything old at once, and is set right again within
    minutes. So after a leap nothing is erased for a day, or until the clock has gone back.
    """

    def __init__(
        self, clock: Callable[[], int], ticks: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives microseconds since 1970, `ticks` seconds that are never set."""
        self._clock = clock
        self._ticks = ticks
        self._lead = self._now()
        self._again = 0.0

    def begin(self, newest: int | None) -> None:
        """Compare the clock with what was written last (microseconds), before this process was."""
        if newest is not None and self._clock() / 1e6 - newest / 1e6 > _QUIET:
            self._again = self._ticks() + PAUSE

    def look(self) -> bool:
        """Whether to believe the clock now; at least once an hour."""
        before, self._lead = self._lead, self._now()
        if self._lead - before > LEAP:
            self._again = self._ticks() + PAUSE
        elif before - self._lead > LEAP:
            self._again = 0.0  # set right again
        return self._ticks() >= self._again

    def _now(self) -> float:
        return self._clock() / 1e6 - self._ticks()
