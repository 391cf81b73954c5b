"""A circuit breaker: after failures in a row nobody is sent to a backend until it has shown life.

The state is one of three. CLOSED: calls pass. OPEN: calls are refused at once. HALF_OPEN: one probe
is on its way, calls are refused still; if it is answered the breaker closes, else it opens again.
A probe is a health check of the gateway's own, never a caller's call: one that hung, or a stream
that says nothing for an hour, would keep all others out.

Invariants:
1. Only what tells of the backend counts: a call that it did not take or left without an answer for
   `patience` seconds. A short deadline of one caller shuts nobody else out.
2. Any answer of the backend, errors of its own included, ends the row.
3. Calls that are lost together are one failure: a connection that breaks takes all of its calls
   with it, and says of no other replica that it is gone.
4. An answered probe ends no row of failed calls: the pause before the next probe doubles, up to
   `longest_pause`, each time that the breaker opens without a call answered in between.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import IntEnum

from systemzero_chassis.config import Count, Seconds, Settings


class State(IntEnum):
    """Whether calls pass; the numbers are those of the contract and of the metric."""

    CLOSED = 1
    HALF_OPEN = 2
    OPEN = 3


class BreakerSettings(Settings, frozen=True):
    """When a backend is given up, and for how long.

    Attributes:
        failures: failed calls in a row, or failed health checks in a row, that open the breaker.
        patience: seconds without an answer, at least, that make a passed deadline a failure.
        pause: seconds from the opening to the first probe, and from one probe to the next.
        longest_pause: what the pause may grow to while health checks are answered and calls fail.
    """

    failures: Count = 5
    patience: Seconds = 10.0
    pause: Seconds = 1.0
    longest_pause: Seconds = 30.0


class Breaker:
    """The breaker of one backend."""

    def __init__(
        self,
        settings: BreakerSettings,
        clock: Callable[[], float],
        changed: Callable[[State], None] = lambda _state: None,
    ) -> None:
        """`clock` gives seconds and never goes back; `changed` is told of each new state."""
        self._settings = settings
        self._clock = clock
        self._changed = changed
        self._calls = self._probes = 0
        self._pause = settings.pause
        self._probe_at = 0.0
        self._lost_at = -math.inf
        self.state = State.CLOSED

    def answered(self) -> None:
        """The backend answered a call."""
        self._calls = 0
        self._pause = self._settings.pause

    def unanswered(self, seconds: float) -> None:
        """A call's deadline passed, `seconds` after it was sent, without an answer."""
        if seconds >= self._settings.patience:
            self._count()

    def lost(self, sent: float) -> None:
        """The backend did not take a call, or was lost before it had answered.

        `sent` is when the call was sent, by the breaker's clock: one that was under way when
        another was lost is no further failure.
        """
        if sent >= self._lost_at:
            self._lost_at = self._clock()
            self._count()

    def begin_probe(self) -> bool:
        """Whether a probe may go out now; the breaker of an open one is HALF_OPEN until its end."""
        if self.state is State.OPEN and self._clock() >= self._probe_at:
            self._enter(State.HALF_OPEN)
            return True
        return self.state is State.CLOSED

    def end_probe(self, answered: bool) -> None:
        """How the probe ended that `begin_probe` allowed."""
        self._probes = 0 if answered else self._probes + 1
        if self.state is State.HALF_OPEN:
            self._close() if answered else self._wait(self._settings.pause)
        elif self.state is State.CLOSED and self._probes >= self._settings.failures:
            self._open()

    def _count(self) -> None:
        self._calls += 1
        if self.state is State.CLOSED and self._calls >= self._settings.failures:
            self._open()

    def _open(self) -> None:
        self._wait(self._pause)
        self._pause = min(2 * self._pause, self._settings.longest_pause)

    def _wait(self, seconds: float) -> None:
        self._probe_at = self._clock() + seconds
        self._enter(State.OPEN)

    def _close(self) -> None:
        self._calls = 0
        self._enter(State.CLOSED)

    def _enter(self, state: State) -> None:
        self.state = state
        self._changed(state)
