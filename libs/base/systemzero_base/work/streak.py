"""How the rounds of a background loop end: counted, told, and the pause before the next one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 5.0
"""Seconds; what a security decision waits for, such as a revoked key's streams, waits no longer."""
MOST_FAILURES: Final = 5
"""With so many rounds in a row that failed a loop is one that does not do its work."""

RUNNING: Final = Gauge(
    "systemzero_background_running",
    "Whether a background loop does its work: 0 from a round that failed to one that goes well.",
    ["loop"],
    multiprocess_mode="livemin",
)
RESTARTS: Final = Counter(
    "systemzero_background_restarts",
    "Times that a background loop failed and was begun again.",
    ["loop"],
)

Logger = structlog.typing.FilteringBoundLogger


class Streak:
    """How the rounds of one loop ended of late; for one thread.

    Attributes:
        name: the loop's, such as `gateway.upkeep`.
        vital: whether the process is to take no calls while the loop does not do its work.
        failures: how many rounds in a row failed.
        rounds: how many went well.
    """

    def __init__(
        self,
        name: str,
        logger: Logger,
        jitter: Callable[[], float],
        longest: float,
        *,
        vital: bool,
    ) -> None:
        """`longest` bounds a pause; `jitter` gives, from 0 to 1, what it is stretched by."""
        self.name = name
        self.vital = vital
        self.failures = self.rounds = 0
        self._logger = logger
        self._jitter = jitter
        self._longest = max(longest, LONGEST_PAUSE)
        self._kind = ""

    def begun(self) -> None:
        """The loop was started."""
        self.failures = 0
        RUNNING.labels(self.name).set(1)  # not before: what never starts is not missed
        RESTARTS.labels(self.name)

    def ended(self) -> None:
        """The loop was stopped."""
        self.failures = 0
        RUNNING.labels(self.name).set(0)

    def went_well(self) -> None:
        """A round ended."""
        self.rounds += 1
        if self.failures:
            self.failures = 0
            RUNNING.labels(self.name).set(1)
            self._logger.info("background.back", loop=self.name)

    def failed(self, error: BaseException) -> float:
        """A round raised `error`; the seconds after which to begin the next."""
        self._kind = type(error).__name__
        pause = min(FIRST_PAUSE * 2.0 ** min(self.failures, 32), self._longest)
        self.failures += 1
        RUNNING.labels(self.name).set(0)
        RESTARTS.labels(self.name).inc()
        with suppress(Exception):  # an error that can't be shown: the loop goes on all the same
            self._logger.error(
                "background.failed", loop=self.name, failures=self.failures, exc_info=error
            )
        return pause * (1 + self._jitter()) / 2

    @property
    def failing(self) -> str:
        """Why the loop does not do its work, without what the error says; empty where it does."""
        if self.failures < MOST_FAILURES:
            return ""
        return f"the background loop {self.name} fails again and again: {self._kind}"
