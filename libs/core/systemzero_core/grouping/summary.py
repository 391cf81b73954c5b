"""One sentence for the whole script."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from systemzero_core.grouping.model import Line

_MOST: Final = 3
"""Clauses, at most, beside the count of what else there is."""


def summary(lines: Sequence[Line]) -> str:
    """What matters most of `lines`, in their order; how many lines more there are."""
    told = [line.brief for line in lines[:_MOST]]
    more = len(lines) - len(told)
    if more:
        told.append(f"{more} more change{'s' if more > 1 else ''}")
    return "; ".join(told)
