"""Exit statuses: what a pipeline branches on."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """The statuses of `sz`; documented in docs/cli.md and `sz --help`."""

    UNCHANGED = 0
    DRIFT = 1
    ERROR = 2
    UNDECIDED = 3
    """Inconclusive, or an unknown screen."""


INTERRUPTED = 130
"""Ctrl-C: 128 and SIGINT."""

PIPE_CLOSED = 141
"""The reader of the output went away: 128 and SIGPIPE."""

_WORSE = {Exit.ERROR: 3, Exit.DRIFT: 2, Exit.UNDECIDED: 1, Exit.UNCHANGED: 0}


def worst(statuses: Iterable[Exit]) -> Exit:
    """The one that stands for many: error before drift before undecided before unchanged."""
    return max(statuses, key=_WORSE.__getitem__, default=Exit.UNCHANGED)
