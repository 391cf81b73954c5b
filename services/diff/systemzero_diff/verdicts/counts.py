"""Numbers of verdicts by day and kind, for the summary.

They are statistics, not evidence: added up in memory and written every few seconds and at the end,
so that an unchanged screen costs no transaction. A crash loses what was not yet written.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from functools import partial

from systemzero_diff.store import DiffStore, Transaction
from systemzero_diff.store.events import day_of


class VerdictCounts:
    """Counts until it is flushed."""

    def __init__(self, store: DiffStore) -> None:
        self._store = store
        self._counts: defaultdict[str, Counter[tuple[str, str]]] = defaultdict(Counter)
        self._flushing = asyncio.Lock()

    def add(self, tenant: str, kind: str, time: int) -> None:
        """Count one verdict of `kind` at `time`."""
        self._counts[tenant][day_of(time), kind] += 1

    async def flush(self) -> None:
        """Write what was counted; what can't be written is kept for the next time.

        Whoever reads after it returned sees everything counted before it was called: also what
        another flush has under way.
        """
        async with self._flushing:
            while self._counts:
                tenant, counts = self._counts.popitem()
                try:
                    await self._store.write_anyhow(tenant, partial(_write, counts))
                except BaseException:
                    self._counts[tenant].update(counts)
                    raise


def _write(counts: Counter[tuple[str, str]], transaction: Transaction) -> None:
    transaction.count_verdicts(counts)
