"""Encryption at rest: what sealing costs a capture that is stored, beside the same without it.

Run as `python -m benchmarks.sealing --json [--folder DIR]`. Both write to the same disk in turns, a
second each, so that whatever else the machine does falls on both; told is CPU time, not the rate,
which on a busy machine says more of its neighbours.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from benchmarks._report import Report
from systemzero_base.ids import new_id
from systemzero_capture.model import ContentFacts, Sighting
from systemzero_capture.store import METADATA, SCHEMA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_core.signature import Signatures
from systemzero_storage.database import Database, open_sqlite
from systemzero_storage.sealing import Keks, SealedDatabase
from systemzero_storage.sealing.kek import FileKek

TENANT = "default"
ROUNDS, SECONDS, WRITERS = 10, 1.0, 16
BODY_BYTES = 4_000
"""A tree of some 300 nodes, compressed."""
VERDICT = b"\x08\x01" + bytes(300)

Add = Callable[[], Awaitable[object]]


def adding(database: Database, *, fresh: bool) -> Add:
    """Stores a screen that was never seen, or one that was before."""
    store = SqlCaptureStore(database)
    body = b"\x28\xb5\x2f\xfd" + os.urandom(BODY_BYTES - 4)
    once = os.urandom(32)

    async def add() -> None:
        digest = os.urandom(32) if fresh else once
        known = ContentFacts(Signatures(digest, digest, digest), 300, None)
        said = Sighting(app="parcel-console", screen_hint="console")
        now = time.time_ns() // 1000
        await store.add(TENANT, new_id("cap"), now, known, said, body=body, verdict=VERDICT)

    return add


async def measured(add: Add) -> float:
    """Microseconds of CPU for each capture, by so many writers at once."""
    count, used, end = 0, time.process_time(), time.perf_counter() + SECONDS

    async def write() -> None:
        nonlocal count
        while time.perf_counter() < end:
            await add()
            count += 1

    await asyncio.gather(*(write() for _ in range(WRITERS)))
    return (time.process_time() - used) / count * 1e6


async def in_turn(*adds: Add, first: int) -> tuple[float, float]:
    """Both measured, now the one first, now the other."""
    found = {n: await measured(adds[n]) for n in (first, 1 - first)}
    return found[0], found[1]


async def measure(report: Report, folder: Path) -> None:
    """Every figure."""
    for name, fresh in (("new_screen", True), ("sighting", False)):
        bare = [open_sqlite(folder / f"{name}{n}.db", METADATA, SCHEMA_VERSION) for n in (0, 1)]
        sealed = SealedDatabase(bare[1], SCHEMA, Keks(FileKek(os.urandom(32))))
        plain_add, sealed_add = adding(bare[0], fresh=fresh), adding(sealed, fresh=fresh)
        await plain_add()
        await sealed_add()
        pairs = [await in_turn(plain_add, sealed_add, first=n % 2) for n in range(ROUNDS)]
        for n, how in enumerate(("plain", "sealed")):
            cpu = statistics.median(pair[n] for pair in pairs)
            report.emit(f"sealing_{name}_cpu_{how}", cpu, "us")
        ratio = statistics.median(sealed / plain for plain, sealed in pairs)
        report.emit(f"sealing_{name}_cpu_sealed_to_plain", ratio, "ratio")
        for database in bare:
            await database.close()


def main() -> int:
    """Parse the command line, measure, and say by the exit status whether every ask holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="the only form there is")
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        asyncio.run(measure(report, Path(name)))
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
