"""A backend: its channel and its state of health."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from systemzero_core.errors import Unavailable
from systemzero_gateway import metrics
from systemzero_gateway.backends.breaker import Breaker, BreakerSettings, State
from systemzero_gateway.backends.retry import RetryBudget, RetrySettings
from systemzero_runtime.calls.fresh import Fresh
from systemzero_runtime.calls.reaching import ReachableChannel, serves

PROBE_SECONDS = 1.0
"""In which a health check is to be answered."""


class Backend:
    """One backend: all replicas behind its channel.

    Attributes:
        said: whether it said that it serves when it was heard last.
    """

    def __init__(
        self,
        name: str,
        channel: ReachableChannel,
        breaker: BreakerSettings,
        retry: RetrySettings,
        logger: structlog.typing.FilteringBoundLogger,
    ) -> None:
        self.name = name
        self.channel = channel
        self.attempts = retry.attempts
        self.back_off = retry.back_off
        self.said = False
        self.breaker = Breaker(breaker.failures, self._tell)
        self._patience = breaker.patience
        self._logger = logger
        self._budget = RetryBudget(retry.budget)
        self._asking = Fresh(self._ask, breaker.waiting)
        self._is_away = False
        self._told: list[Callable[[], None]] = []
        self._state = metrics.BREAKER_STATE.labels(name)
        self._retries = metrics.RETRIES.labels(name)
        self._failures = metrics.FAILURES.labels(name)
        self._state.set(State.CLOSED)

    @property
    def serving(self) -> bool:
        """Whether it is known to serve."""
        return self.said and self.breaker.state is State.CLOSED

    async def look(self) -> bool | None:
        """Whether it says that it serves, asked now; None where it says nothing in time."""
        return await self._asking.answer()

    async def reach(self, seconds: float) -> None:
        """Wait until it takes calls: not at all where nothing speaks against it.

        One that is down is found to be so by a connection that it refuses; one that neither refuses
        nor answers is waited for, `seconds` at most, and no longer than settings allow.

        Raises:
            Unavailable: it takes none.
        """
        if self.breaker.state is State.CLOSED and self.channel.is_ready:
            return
        if not await self._asking.decided(min(seconds, self._patience)):
            raise Unavailable(
                f"the {self.name} service does not answer", metadata={"backend": self.name}
            )

    def answered(self) -> None:
        """It answered a call, be it with an error of its own."""
        self._budget.earn()

    def failed(self) -> None:
        """It did not take a call, or left it without an answer."""
        self._failures.inc()

    def grants_retry(self) -> bool:
        """Whether what it failed to take may be sent again."""
        if not self._budget.spend():
            return False
        self._retries.inc()
        return True

    def tell(self, told: Callable[[], None]) -> None:
        """Have `told` called whenever it may be that `serving` is another."""
        self._told.append(told)

    async def _ask(self) -> bool | None:
        self.breaker.begin_probe()
        answer: bool | None = False
        try:
            answer = await self._probed()
            if answer is not None:  # a late answer is no word: a busy moment is no outage
                self.said = answer
        finally:
            self.breaker.end_probe(answer is True)
        for told in self._told:
            told()
        return answer

    async def _probed(self) -> bool | None:
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                reached = await self.channel.reach(PROBE_SECONDS)
                return await serves(self.channel, PROBE_SECONDS) if reached else reached
        except TimeoutError:
            return None

    def _tell(self, state: State) -> None:
        self._state.set(state)
        for told in self._told:
            told()
        is_away = state is not State.CLOSED
        if is_away is not self._is_away:  # the probes between are no news
            self._is_away = is_away
            self._logger.warning("breaker", backend=self.name, state=state.name)
