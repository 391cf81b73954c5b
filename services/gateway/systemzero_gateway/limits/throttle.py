"""Streams at the rates of who has them: a message that the rate does not let pass is held back.

A stream whose message waits is read no further, which the transport's flow control hands on to
whoever sends. Calls are refused where streams are held back, so a quarter of each burst is left to
them: whoever streams as much as they may can still ask how it goes.

Invariants:
1. The messages of all streams of a tenant take from its bucket, those of a principal from its own,
   as calls do, wherever the buckets are kept.
2. Messages of a principal pass in the order in which they came, and principals of a tenant take
   turns: a stream has one message waiting, so that none is passed over.
3. Where the limits can't be checked, nothing passes.
"""

from __future__ import annotations

import asyncio
from functools import cache
from typing import Final

from systemzero_base.work.windows import KeyedLocks
from systemzero_gateway import metrics
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.limits.callers import CallerLimits
from systemzero_gateway.limits.gcra import Decision

_LEAST_SECONDS: Final = 0.001
_MOST_SECONDS: Final = 1.0
"""Between two looks: so soon does a rate hold that was changed meanwhile."""
_decisions = cache(metrics.LIMIT_DECISIONS.labels)


class Throttle:
    """Lets messages of streams pass, each as its rate allows.

    Attributes:
        held: how many streams are held back.
    """

    def __init__(self, callers: CallerLimits) -> None:
        self._callers = callers
        self._principals = KeyedLocks()
        self._tenants = KeyedLocks()
        self.held = 0

    async def take(self, caller: Caller, cost: int) -> None:
        """Wait until `caller` may pass a message that costs `cost` units.

        Raises:
            Unavailable: the limits can't be checked.
        """
        tenant, principal = caller.principal.tenant, _name(caller)
        if not self._principals.busy(principal) and not self._tenants.busy(tenant):
            decision, _ = await self._ask(caller, cost)
            if decision.allowed:
                return
        self.held += 1
        try:
            async with self._principals.of(principal):
                while seconds := await self._turn(caller, cost):  # noqa: ASYNC110 - time fills it
                    await asyncio.sleep(seconds)
        finally:
            self.held -= 1

    async def _turn(self, caller: Caller, cost: int) -> float:
        """Wait for the tenant's bucket; 0, or the seconds for which the principal's is empty."""
        async with self._tenants.of(caller.principal.tenant):
            while True:
                decision, subject = await self._ask(caller, cost)
                if decision.allowed:
                    return 0.0
                seconds = min(max(decision.retry_after, _LEAST_SECONDS), _MOST_SECONDS)
                if subject == "principal":
                    return seconds
                await asyncio.sleep(seconds)

    async def _ask(self, caller: Caller, cost: int) -> tuple[Decision, str]:
        decision, subject = await self._callers.take(caller, cost, sparing=True)
        _decisions(subject, "allowed" if decision.allowed else "held").inc()
        return decision, subject


def _name(caller: Caller) -> str:
    return f"{caller.principal.tenant}\n{caller.principal.principal_id}"
