"""How long tests wait, so that none depends on the machine's pace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

PATIENCE: Final = 300.0
"""Seconds for what comes by itself: it never makes a test slow, and whoever waits in vain fails."""


def deadlines() -> Iterator[float]:
    """Ever longer ones, in seconds, for a test of one that passes while something is under way.

    How long a call takes to get there, the machine decides: the test goes on with the next one
    where it had not.
    """
    seconds = 0.1
    while seconds < PATIENCE:
        yield seconds
        seconds *= 2
