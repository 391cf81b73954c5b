"""How many second attempts a backend may be sent: a budget, so that retries never become the load.

As in gRPC's retry throttling (https://github.com/grpc/proposal/blob/master/A6-client-retries.md):
a failure takes one token, an answer gives back a tenth of one, and only while more than half are
there is anything tried again. A burst of failures (a replica that died) is retried whole; where
every call fails, at most one retry goes out for ten answers.
"""

from __future__ import annotations

from systemzero_base.settings.config import Count, Seconds, Settings

_EARNED = 0.1


class RetrySettings(Settings, frozen=True):
    """What of idempotent calls is tried again.

    Attributes:
        attempts: how often a call is sent at most, the first time included.
        back_off: seconds before it is sent again, half as long to half as long again.
        budget: tokens; half as many failures at once are tried again.
    """

    attempts: Count = 2
    back_off: Seconds = 0.02
    budget: Count = 200


class RetryBudget:
    """The tokens of one backend."""

    def __init__(self, tokens: float) -> None:
        self._most = self._tokens = float(tokens)

    def earn(self) -> None:
        """The backend answered."""
        if self._tokens < self._most:
            self._tokens += _EARNED

    def spend(self) -> bool:
        """The backend failed; whether what failed may be sent again."""
        self._tokens = max(0.0, self._tokens - 1.0)
        return self._tokens > self._most / 2
