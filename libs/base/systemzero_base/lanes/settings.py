"""Settings of the processes that do large work."""

from __future__ import annotations

import os
from typing import Annotated, Final

import msgspec

from systemzero_base.settings.config import Count, Settings

OWN_BYTES: Final = 96_000_000
"""Private memory of any lane: what it holds between two pieces of work, and small work."""
ASIDE_BYTES: Final = 64_000_000
"""Memory for work of tenants with nothing under way; see `room`."""


class LaneSettings(Settings, frozen=True, kw_only=True):
    """Processes for large work, and what a piece of it may take.

    Attributes:
        count: how many pieces of work are done at a time, and one more of a tenant that has none
            under way; 0 for the processors that this process may use.
        cpu_seconds: processor time of one piece of work; past it the work is refused.
        wall_seconds: how long a piece of work may be under way, whatever it waits for.
        memory_bytes: private memory of one lane; work that needs more is refused.
        memory_in_all_bytes: private memory of all lanes; each more than two takes 96 MB of it, and
            there are no more than fit beside one that has `memory_bytes`, and 64 MB for tenants
            that have nothing under way.
        waiting: how much work of one tenant may wait; more is refused for the moment.
        patience: seconds that work goes on whose caller is gone, before its process is ended.
    """

    count: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    cpu_seconds: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    wall_seconds: Annotated[float, msgspec.Meta(gt=0)] = 120.0
    memory_bytes: Annotated[int, msgspec.Meta(ge=128_000_000)] = 448_000_000
    memory_in_all_bytes: Annotated[int, msgspec.Meta(ge=288_000_000)] = 704_000_000
    waiting: Count = 100
    patience: Annotated[float, msgspec.Meta(ge=0)] = 0.25

    def __post_init__(self) -> None:
        least = self.memory_bytes + OWN_BYTES + ASIDE_BYTES
        if self.memory_in_all_bytes < least:
            raise ValueError(
                f"memory_in_all_bytes must be {least:,} or more: memory_bytes, and "
                f"{OWN_BYTES + ASIDE_BYTES:,} for the lane to spare and those who come new"
            )

    def lanes(self, processes: int = 1) -> int:
        """How many lanes one of so many equal processes of the service has, the spare one aside."""
        wanted = self.count or max(1, len(os.sched_getaffinity(0)) // processes)
        beside = self.memory_in_all_bytes - self.memory_bytes - ASIDE_BYTES
        return min(wanted, beside // OWN_BYTES)
