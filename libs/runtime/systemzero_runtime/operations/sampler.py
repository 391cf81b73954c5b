"""Sets the metrics that are sampled instead of counted: queues, pools, disks, the log's position.

The sampler looks every second or every ten seconds. With several workers a scrape reads the last
sample of each. The sampler also asks whether the store answers; readiness depends on that.

Invariant: no sample waits for another. A hanging database or a failing sample stops only its own
figures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from prometheus_client import Gauge

from systemzero_base.work.background import Background, Loops
from systemzero_base.work.pool import Pool
from systemzero_base.work.rounds import apart, raise_all
from systemzero_runtime.operations.readiness import Condition

LOOK_SECONDS: Final = 1.0

POOL_TASKS: Final = Gauge(
    "systemzero_pool_tasks",
    "Tasks that run in the pool of threads or wait for it.",
    ["pool"],
    multiprocess_mode="livesum",
)
POOL_THREADS: Final = Gauge(
    "systemzero_pool_threads",
    "Threads that a pool may have.",
    ["pool"],
    multiprocess_mode="livesum",
)

Look = Callable[[], None]
"""Sets gauges from what is at hand; called every second on the event loop."""


class Part(Protocol):
    """Something of a service that is looked at: its database, say, or its log."""

    @property
    def conditions(self) -> Mapping[str, Condition]:
        """What readiness rests on, by names that start with the service's."""
        ...

    @property
    def rounds(self) -> Sequence[Background]:
        """Loops that look at what is not at hand, not yet started."""
        ...

    def look(self) -> None:
        """See `Look`."""
        ...


class Sampler:
    """Looks at one service from `start` to `stop`."""

    def __init__(
        self,
        service: str,
        loops: Loops,
        parts: Sequence[Part],
        *,
        pools: Sequence[Pool] = (),
        looks: Sequence[Look] = (),
        conditions: Mapping[str, Condition] | None = None,
    ) -> None:
        """`conditions` are what readiness rests on beside those of `parts`, named as they are."""
        self._service = service
        self._loops = loops
        self._parts = tuple(parts)
        self._more = dict(conditions or {})
        self._pools = tuple(pools)
        self._looks = (self._look_at_pools, *(part.look for part in parts), *looks)
        self._rounds = [
            loops.new("sampler", self._look_at_all, pause=LOOK_SECONDS, vital=False),
            *(each for part in parts for each in part.rounds),
        ]

    @property
    def conditions(self) -> dict[str, Condition]:
        """What this service's readiness rests on, by names that start with the service's."""
        conditions: dict[str, Condition] = {f"{self._service}.loops": self._loops.failing}
        conditions.update(self._more)
        for part in self._parts:
            conditions.update(part.conditions)
        return conditions

    def start(self) -> None:
        """Begin to look."""
        for each in self._rounds:
            each.start()

    async def stop(self) -> None:
        """Look no more; before the database is closed."""
        for each in self._rounds:
            await each.stop()

    async def _look_at_all(self) -> None:
        errors: list[Exception] = []
        for look in self._looks:
            with apart(errors):
                look()
        raise_all(errors)

    def _look_at_pools(self) -> None:
        for pool in self._pools:
            POOL_TASKS.labels(pool.name).set(pool.tasks)
            POOL_THREADS.labels(pool.name).set(pool.threads)
