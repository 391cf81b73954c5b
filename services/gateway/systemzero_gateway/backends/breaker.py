"""A circuit breaker: a backend that leaves health checks without a good answer gets no calls.

The state is one of three. CLOSED: calls pass. OPEN: calls pass again once a health check has been
answered. HALF_OPEN: one is on its way. A probe is a health check of the gateway's own, never a
caller's call: one that hung, or a stream that says nothing for an hour, would keep all others out.

Invariants:
1. The backend's own word decides, and nothing else: one that says that it serves is sent calls,
   whatever became of earlier ones. What a slow or a lost call costs is its caller's alone.
2. An answered check closes it at once; there is no pause to wait for.
3. One check that is late or refused opens nothing: it takes `failures` in a row.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum

from systemzero_base.settings.config import Count, Seconds, Settings
from systemzero_runtime.calls.reaching import MOST_WAITING, PATIENCE


class State(IntEnum):
    """Whether calls pass; the numbers are those of the contract and of the metric."""

    CLOSED = 1
    HALF_OPEN = 2
    OPEN = 3


class BreakerSettings(Settings, frozen=True):
    """When a backend is given up, and what calls do meanwhile.

    Attributes:
        failures: health checks in a row without a good answer that open the breaker.
        patience: seconds, at most, that a call waits for one that neither answers nor refuses.
        waiting: how many calls may wait for one; the others are refused at once.
    """

    failures: Count = 5
    patience: Seconds = PATIENCE
    waiting: Count = MOST_WAITING


class Breaker:
    """The breaker of one backend."""

    def __init__(
        self, failures: int, changed: Callable[[State], None] = lambda _state: None
    ) -> None:
        """Opens after so many `failures`; `changed` is told of each new state."""
        self._most = failures
        self._failures = 0
        self._changed = changed
        self.state = State.CLOSED

    def begin_probe(self) -> None:
        """A probe goes out."""
        if self.state is State.OPEN:
            self._enter(State.HALF_OPEN)

    def end_probe(self, answered: bool) -> None:
        """How it ended."""
        self._failures = 0 if answered else self._failures + 1
        is_open = self.state is not State.CLOSED or self._failures >= self._most
        self._enter(State.OPEN if is_open and not answered else State.CLOSED)

    def _enter(self, state: State) -> None:
        if state is not self.state:
            self.state = state
            self._changed(state)
