"""Shared limits, and what holds while their store is away.

Invariants:
1. A store that failed once is asked by nobody on the way of a call until it answers again; so one
   that hangs costs those calls that were under way its time-out, and all others nothing.
2. It is asked again by a loop of its own; that it is back needs no restart and no call.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from systemzero_base.work.background import Loops
from systemzero_base.work.rounds import heard
from systemzero_core.errors import Unavailable
from systemzero_gateway import metrics
from systemzero_gateway.limits.gcra import Bucket, Decision
from systemzero_gateway.limits.protocol import LimitStore
from systemzero_gateway.limits.valkey import ValkeyLimits

PROBE_SECONDS: Final = 0.25
"""Between two questions to a store that is away."""
_ROUND_SECONDS: Final = 1.0


class SharedLimits:
    """See `LimitStore`: the shared store while it answers, else the `fallback`, else a refusal."""

    def __init__(
        self,
        store: ValkeyLimits,
        fallback: LimitStore | None,
        logger: structlog.typing.FilteringBoundLogger,
        loops: Loops,
    ) -> None:
        """Without a `fallback` every call is refused while the store is away."""
        self._store = store
        self._fallback = fallback
        self._logger = logger
        self._away = asyncio.Event()
        self._probing = loops.new("limits", self._probe)

    @property
    def is_away(self) -> bool:
        """Whether the store failed, and has not answered since."""
        return self._away.is_set()

    async def take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        """See `LimitStore.take`."""
        if not self.is_away:
            try:
                return await self._store.take(buckets, cost)
            except Unavailable as error:
                self._went_away(error)
        if self._fallback is None:
            raise Unavailable("the rate limits can't be checked", metadata={"part": "limits"})
        return await self._fallback.take(buckets, cost)

    async def remember(self, name: str, seconds: int) -> None:
        """Have all gateways know `name` for so long, unless the store is away."""
        if not self.is_away:
            try:
                await self._store.remember(name, seconds)
            except Unavailable as error:
                self._went_away(error)

    async def remembers(self, name: str) -> bool:
        """Whether any gateway has others know `name`; nothing is while the store is away."""
        if not self.is_away:
            try:
                return await self._store.remembers(name)
            except Unavailable as error:
                self._went_away(error)
        return False

    async def close(self) -> None:
        """See `LimitStore.close`."""
        await self._probing.stop()
        await self._store.close()
        if self._fallback is not None:
            await self._fallback.close()

    def _went_away(self, error: Unavailable) -> None:
        if not self.is_away:
            metrics.LIMIT_STORE_AWAY.set(1)
            policy = "deny" if self._fallback is None else "local"
            self._logger.warning("limits.store.away", policy=policy, error=repr(error.__cause__))
            self._away.set()
            if not self._probing.started:
                self._probing.start()

    async def _probe(self) -> None:
        if not await heard(self._away, _ROUND_SECONDS):
            return
        await asyncio.sleep(PROBE_SECONDS)
        try:
            await self._store.return_to()
        except Unavailable:
            return
        self._away.clear()
        metrics.LIMIT_STORE_AWAY.set(0)
        self._logger.info("limits.store.back")
