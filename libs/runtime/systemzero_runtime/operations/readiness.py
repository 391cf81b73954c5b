"""Whether a process takes calls, and if not, why: one answer for its pages, health and metrics.

Readiness is not liveness: a process whose database is away is alive, and starting it again would
help nobody; it is to be sent no calls until the database is back.

Invariants:
1. A condition is a reading of what is known already: it never waits, and any thread may ask it.
2. Who watches is told on the event loop, once of the first answer and then of each change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from prometheus_client import Gauge

Condition = Callable[[], str]
"""Empty while it holds; else why it does not, in a few words."""

READY: Final = Gauge(
    "systemzero_ready",
    "Whether a condition of taking calls holds (1) or not (0), by condition.",
    ["condition"],
    multiprocess_mode="livemax",
)

_STARTING: Final = "starting"
_STOPPING: Final = "the process is being stopped"


class Readiness:
    """The conditions under which a process takes calls; not before `start`, not after `stop`."""

    def __init__(self, conditions: Mapping[str, Condition] | None = None) -> None:
        self._state = _STARTING
        self._conditions: dict[str, Condition] = {"running": lambda: self._state}
        self._watchers: list[Callable[[bool], None]] = []
        self._told: bool | None = None
        self.add(conditions or {})

    def add(self, conditions: Mapping[str, Condition]) -> None:
        """Have more conditions, by names that are no one else's."""
        self._conditions.update(conditions)

    def start(self) -> None:
        """The process has started; from now on the other conditions decide."""
        self._state = ""
        self.tell()

    def stop(self) -> None:
        """The process is being stopped: it is never ready again."""
        self._state = _STOPPING
        self.tell()

    def failing(self) -> dict[str, str]:
        """The conditions that do not hold, each with the reason; empty for a process in order."""
        found = ((name, condition()) for name, condition in list(self._conditions.items()))
        return {name: why for name, why in found if why}

    def watch(self, told: Callable[[bool], None]) -> None:
        """Have `told` called of each change, once somebody tells."""
        self._watchers.append(told)

    def tell(self) -> None:
        """Look again, and tell metrics and watchers; on the event loop."""
        failing = self.failing()
        for name in self._conditions:
            READY.labels(name).set(name not in failing)
        ready = not failing
        if ready is not self._told:
            self._told = ready
            for told in self._watchers:
                told(ready)
