"""Buckets that the workers of one gateway share: in memory mapped from one file, without a server.

The file is a `Table` of TATs (see `gcra`). Nobody has to tidy up: a slot whose TAT is past is
one of a bucket that is full, which need not be remembered (invariant 4 of `gcra`).

Invariants:
1. A decision holds the file's lock, so that calls of all workers are decided one after the other,
   by a clock that is read under it. Nothing is awaited meanwhile.
2. A worker that dies lets go of the lock, whenever it dies: the kernel sees to it. What it leaves
   half-written is a bucket with less or more in it than it should have, never one that is stuck.
3. The table does not grow. Where a row is full of buckets that are not, the one that is full again
   soonest is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from systemzero_gateway.limits.gcra import Bucket, Decision, decide
from systemzero_gateway.limits.table import ROWS, Table


class SharedMemoryLimits:
    """See `LocalLimits`; for one thread of each process, which waits for the others' decisions."""

    def __init__(self, file: Path, clock: Callable[[], float], rows: int = ROWS) -> None:
        """Opens the table in `file`; see `Table`.

        `clock` gives seconds, never goes back, and is the same in all processes.
        """
        self._clock = clock
        self._table = Table(file, rows)

    def look(self, bucket: Bucket, cost: int) -> Decision:
        """See `LocalLimits.look`."""
        place = self._table.place(bucket.key)
        with self._table:
            tat = self._table.get(place)
            return decide(bucket.rate, tat, self._clock(), cost, bucket.spare)[0]

    def take_one(self, bucket: Bucket, cost: int) -> Decision:
        """See `LocalLimits.take_one`."""
        return self._take((bucket,), cost)[0]

    async def take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        """See `LimitStore.take`."""
        return self._take(buckets, cost)

    async def close(self) -> None:
        """See `LimitStore.close`."""
        self._table.close()

    def _take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        table = self._table
        places = [table.place(bucket.key) for bucket in buckets]
        with table:
            now = self._clock()
            decisions, moves, passes = [], [], True
            for (_, rate, spare), place in zip(buckets, places, strict=True):
                before = table.get(place)
                decision, tat = decide(rate, before, now, cost, spare)
                decisions.append(decision)
                moves.append((place, before, tat))
                passes = passes and decision.allowed
            for place, before, tat in moves:
                if passes or tat < before:
                    table.put(place, tat)
            return decisions
