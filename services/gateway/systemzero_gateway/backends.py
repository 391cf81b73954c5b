"""The backends as calls meet them: a channel, and what is known of how it does."""

from __future__ import annotations

import time
from collections.abc import Callable

import grpc
import structlog

from systemzero_core.errors import Unavailable
from systemzero_gateway import metrics
from systemzero_gateway.breaker import Breaker, BreakerSettings, State
from systemzero_gateway.retry import RetryBudget, RetrySettings


class Backend:
    """One backend: all replicas behind its channel."""

    def __init__(
        self,
        name: str,
        channel: grpc.aio.Channel,
        breaker: BreakerSettings,
        retry: RetrySettings,
        logger: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self.name = name
        self.channel = channel
        self.attempts = retry.attempts
        self.back_off = retry.back_off
        self._logger = logger
        self._budget = RetryBudget(retry.budget)
        self._told: list[Callable[[], None]] = []
        self._state = metrics.BREAKER_STATE.labels(name)
        self._retries = metrics.RETRIES.labels(name)
        self._failures = metrics.FAILURES.labels(name)
        self._state.set(State.CLOSED)
        self.breaker = Breaker(breaker, time.monotonic, self._tell)

    def check(self) -> None:
        """Refuse what would be sent while the breaker is open.

        Raises:
            Unavailable: the breaker is not closed.
        """
        if self.breaker.state is not State.CLOSED:
            raise Unavailable(
                f"the {self.name} service does not answer", metadata={"backend": self.name}
            )

    def answered(self) -> None:
        """It answered a call, be it with an error of its own."""
        self.breaker.answered()
        self._budget.earn()

    def lost(self, sent: float) -> None:
        """It did not take a call `sent` at that time, or was lost before it had answered."""
        self._failures.inc()
        self.breaker.lost(sent)

    def unanswered(self, seconds: float) -> None:
        """It left a call without an answer until its deadline, `seconds` after it was sent."""
        self._failures.inc()
        self.breaker.unanswered(seconds)

    def grants_retry(self) -> bool:
        """Whether what it failed to take may be sent again."""
        if not self._budget.spend() or self.breaker.state is not State.CLOSED:
            return False
        self._retries.inc()
        return True

    def tell(self, told: Callable[[], None]) -> None:
        """Have `told` called whenever the breaker's state changed."""
        self._told.append(told)

    def _tell(self, state: State) -> None:
        self._state.set(state)
        for told in self._told:
            told()
        if state is not State.HALF_OPEN:
            self._logger.warning("breaker", backend=self.name, state=state.name)
