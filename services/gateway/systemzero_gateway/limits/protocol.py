"""What the gateway asks of whoever keeps the buckets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from systemzero_gateway.limits.gcra import Bucket, Decision


class LimitStore(Protocol):
    """Keeps buckets and decides on them."""

    async def take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        """Take `cost` units from every one of `buckets`, or, unless all have them, from none.

        Gives what each of them says by itself; the call passes if all of them allow it.

        Raises:
            Unavailable: the store does not answer.
        """
        ...

    async def close(self) -> None:
        """Let go of what is held; the last call."""
        ...


class LocalLimits(LimitStore, Protocol):
    """Keeps buckets on this machine, and so decides without waiting for another."""

    def look(self, bucket: Bucket, cost: int) -> Decision:
        """What a bucket says to a call of `cost` units, which takes nothing."""
        ...

    def take_one(self, bucket: Bucket, cost: int) -> Decision:
        """Take `cost` units from one bucket, if they are there."""
        ...
