"""Settings of the processes that do large work."""

from __future__ import annotations

import os
from typing import Annotated

import msgspec

from systemzero_base.settings.config import Count, Settings


class LaneSettings(Settings, frozen=True, kw_only=True):
    """Processes for large work, and what a piece of it may take.

    Attributes:
        count: how many pieces of work are done at a time, and one more of a tenant that has none
            under way; 0 for the processors that this process may use.
        cpu_seconds: processor time of one piece of work; past it the work is refused.
        memory_bytes: private memory of one lane; work that needs more is refused.
        memory_in_all_bytes: private memory that work under way may need, by estimate, in all lanes.
        waiting: how much work of one tenant may wait; more is refused for the moment.
        patience: seconds that work goes on whose caller is gone, before its process is ended.
    """

    count: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    cpu_seconds: Annotated[float, msgspec.Meta(gt=0)] = 20.0
    memory_bytes: Annotated[int, msgspec.Meta(ge=128_000_000)] = 900_000_000
    memory_in_all_bytes: Annotated[int, msgspec.Meta(ge=128_000_000)] = 900_000_000
    waiting: Count = 100
    patience: Annotated[float, msgspec.Meta(ge=0)] = 0.25

    def lanes(self, processes: int = 1) -> int:
        """How many lanes one of so many equal processes of the service has, the spare one aside."""
        return self.count or max(1, len(os.sched_getaffinity(0)) // processes)
