"""A rate limit for log lines that outsiders can cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SECONDS: Final = 1.0


class LogLimiter:
    """Says when to say it: at once, and `most` times in `SECONDS` at most."""

    def __init__(self, ticks: Callable[[], float], most: int = 1) -> None:
        """`ticks` gives seconds that never go back."""
        self._ticks = ticks
        self._most = most
        self._until = float("-inf")
        self._said = 0
        self._times = 0

    def now(self) -> int:
        """It happened: how often since it was said last; 0 for now is not the time to say so."""
        self._times += 1
        tick = self._ticks()
        if tick >= self._until:
            self._until, self._said = tick + SECONDS, 0
        if self._said >= self._most:
            return 0
        self._said += 1
        times, self._times = self._times, 0
        return times
