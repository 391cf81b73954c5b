"""Saying something seldom that others may cause as often as they like."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

SECONDS: Final = 1.0


class Seldom:
    """Says when to say it: at once, and then once every `SECONDS` at most."""

    def __init__(self, ticks: Callable[[], float]) -> None:
        """`ticks` gives seconds that never go back."""
        self._ticks = ticks
        self._quiet_until = float("-inf")
        self._times = 0

    def now(self) -> int:
        """It happened: how often since it was said last; 0 for now is not the time to say so."""
        self._times += 1
        tick = self._ticks()
        if tick < self._quiet_until:
            return 0
        self._quiet_until = tick + SECONDS
        times, self._times = self._times, 0
        return times
