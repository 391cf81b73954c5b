"""Buckets in the memory of this process: of one gateway alone.

Memory is bounded: about 100 bytes a bucket, at most `entries` of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from systemzero_gateway.limits.gcra import Bucket, Decision, decide

_ENTRIES: Final = 100_000


class MemoryLimits:
    """See `LocalLimits`."""

    def __init__(self, clock: Callable[[], float], entries: int = _ENTRIES) -> None:
        """`clock` gives seconds and never goes back; at most `entries` buckets are remembered."""
        self._clock = clock
        self._entries = entries
        self._tats: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._tats)

    def look(self, bucket: Bucket, cost: int) -> Decision:
        """See `LocalLimits.look`."""
        key, rate, spare = bucket
        return decide(rate, self._tats.get(key, 0.0), self._clock(), cost, spare)[0]

    def take_one(self, bucket: Bucket, cost: int) -> Decision:
        """See `LocalLimits.take_one`."""
        before = self._tats.get(bucket.key, 0.0)
        decision, tat = decide(bucket.rate, before, self._clock(), cost, bucket.spare)
        if decision.allowed or tat < before:
            self._keep(bucket.key, tat)
        return decision

    async def take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        """See `LimitStore.take`."""
        now, tats = self._clock(), self._tats
        decisions, moves, passes = [], [], True
        for key, rate, spare in buckets:
            before = tats.get(key, 0.0)
            decision, tat = decide(rate, before, now, cost, spare)
            decisions.append(decision)
            moves.append((key, before, tat))
            passes = passes and decision.allowed
        for key, before, tat in moves:
            if passes or tat < before:
                self._keep(key, tat)
        return decisions

    async def close(self) -> None:
        """See `LimitStore.close`."""

    def _keep(self, key: str, tat: float) -> None:
        if key not in self._tats and len(self._tats) >= self._entries:
            self._make_room()
        self._tats[key] = tat

    def _make_room(self) -> None:
        now = self._clock()
        self._tats = {key: tat for key, tat in self._tats.items() if tat > now}
        # Only keys that peers choose (addresses) can fill it with live ones; the eldest tenth goes,
        # so that the sweep's cost is spread over as many new keys.
        if len(self._tats) >= self._entries:
            for key in list(self._tats)[: self._entries // 10 + 1]:
                del self._tats[key]
