"""How long tests wait, so that none depends on the machine's pace."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hypothesis import HealthCheck

PATIENCE: Final = 300.0
"""Seconds for what comes by itself: it never makes a test slow, and whoever waits in vain fails."""

UNHURRIED: Final = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
"""Checks of Hypothesis that a test leaves out which has one store for all of its examples."""


def deadlines() -> Iterator[float]:
    """Ever longer ones, in seconds, for a test of one that passes while something is under way.

    How long a call takes to get there, the machine decides: the test goes on with the next one
    where it had not.
    """
    seconds = 0.1
    while seconds < PATIENCE:
        yield seconds
        seconds *= 2
