"""Deciding about alike events: what it costs with many of them beside what it costs with few.

Run as `python -m benchmarks.decide --json [--events N] [--folder DIR]`. Each ratio is of two times
measured in one run, in turn: a machine's pace is in both. What holds the event loop up is told by a
task that wants to run all the time.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks._report import Report, progress
from systemzero_core.drift import (
    CoveredEdit,
    Decision,
    DecisionKind,
    DecisionScope,
    PlaceDigests,
    Severity,
)
from systemzero_diff.model import EventFilter, NewEvent
from systemzero_diff.store import LOG, METADATA, SCHEMA_VERSION, SqlDiffStore, Transaction
from systemzero_evidence.log import LogStore
from systemzero_storage.database import open_sqlite

NOW: Final = 1_728_000_000_000_000
DAY: Final = "2024-10-04"
ALIKE: Final = "f" * 64
FEW: Final = 10
ROUNDS: Final = 7
MOST: Final = 3.0
"""Times that many alike events may cost what few do."""
_BATCH: Final = 1_000


class _Tenant:
    """A tenant with so many alike events, in a store."""

    def __init__(self, store: SqlDiffStore, events: int) -> None:
        self._store = store
        self._name = f"of-{events}"
        self._events = events
        self._decisions = 0

    async def fill(self) -> None:
        """Store the events."""
        for start in range(0, self._events, _BATCH):
            numbers = range(start, min(start + _BATCH, self._events))
            await self._store.write(self._name, lambda t, n=numbers: _put(t, n))  # type: ignore[misc]

    async def decide(self) -> None:
        """Approve all of them by one decision."""
        self._decisions += 1
        made, index = _decision(self._decisions), self._events + self._decisions
        await self._store.write(self._name, lambda t: t.put_decision(made, "evt_0", index))

    async def load(self) -> None:
        """Load what checks go by."""
        last, after = 0, -1
        while last > after:
            after = last
            last, _ = await self._store.read(self._name, lambda t: t.decisions_after(after))  # noqa: B023

    async def list_open(self) -> None:
        """List the first page of what is open."""
        chosen = EventFilter(state="open", now=NOW)
        await self._store.read(self._name, lambda t: t.events(None, 50, chosen))

    async def summarise(self) -> None:
        """Make the figures of a summary."""
        await self._store.read(self._name, lambda t: t.summary(DAY, DAY, NOW))


def _put(transaction: Transaction, numbers: range) -> None:
    for number in numbers:
        event = NewEvent(
            event_id=f"evt_{number}",
            create_time=NOW,
            capture_id=f"cap_{number}",
            app="shop",
            screen_id="order",
            template_id="tpl_1",
            template_version=1,
            severity=Severity.WARNING,
            fingerprint=ALIKE,
            values_digest=ALIKE,
            verdict=b"",
        )
        transaction.put_event(event, number)


def _decision(number: int) -> Decision:
    return Decision(
        decision_id=f"dec_{number}",
        kind=DecisionKind.APPROVE,
        scope=DecisionScope.SCREEN,
        edits=(CoveredEdit(ALIKE, PlaceDigests()),),
        screen_id="order",
        app="shop",
        reason="the release of October",
        actor="key_1",
        create_time=NOW,
    )


CALLS: Final[dict[str, Callable[[_Tenant], object]]] = {
    "decide_alike": _Tenant.decide,
    "load_decisions": _Tenant.load,
    "list_open": _Tenant.list_open,
    "summary": _Tenant.summarise,
}


async def timed(work: object) -> tuple[float, float]:
    """Seconds that `work` took, and the longest for which nothing else ran on the event loop."""
    stalls: list[float] = [0.0]

    async def watch() -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(0)
            now = time.perf_counter()
            stalls.append(now - before)
            before = now

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    start = time.perf_counter()
    await work  # type: ignore[misc]
    took = time.perf_counter() - start
    await asyncio.sleep(0)
    watching.cancel()
    return took, max(stalls)


async def measure(report: Report, folder: Path, events: int) -> None:
    """Every call, on few events and on many in turn."""
    database = open_sqlite(folder / "diff.db", METADATA, SCHEMA_VERSION)
    log = LogStore(database, LOG, "benchmark/log", [Ed25519PrivateKey.generate()])
    store = SqlDiffStore(database, log)
    few, many = _Tenant(store, FEW), _Tenant(store, events)
    for tenant in (few, many):
        await tenant.fill()
    progress(f"{events:,} alike events are stored")
    for name, call in CALLS.items():
        rounds = [[await timed(call(t)) for t in (few, many)] for _ in range(ROUNDS)]
        for which, what in enumerate(("time", "stall")):
            of_few, of_many = (
                statistics.median(measured[t][which] for measured in rounds) for t in (0, 1)
            )
            report.emit(f"{name}_{what}_of_{events}", 1000 * of_many, "ms")
            report.emit(f"{name}_{what}_to_{FEW}", of_many / of_few, "ratio", MOST)
    await database.close()


def main() -> int:
    """Parse the command line, measure, and say by the exit status whether every ask holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="the only form there is")
    parser.add_argument("--events", type=int, default=100_000, help="that are alike")
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        asyncio.run(measure(report, Path(name), arguments.events))
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
