"""The log: durable appends beside the disk's bare fsync rate, proofs, checks, start-up, memory.

Appends are on SQLite and on a PostgreSQL of the wheel, which has its folder on the same disk.

Run as `python -m benchmarks.log --json [--entries N] [--folder DIR]`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import secrets
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import MetaData, insert

from benchmarks._report import Report, progress
from systemzero_core.tlog import (
    CompactRange,
    VerifierKey,
    canonical_json,
    new_entry,
    parse_checkpoint,
    verify_export,
)
from systemzero_evidence.log import Appended, LogStore, Macs, log_tables
from systemzero_storage.database import Database, TenantConnection, open_sqlite
from tests.support.postgres import Server, process

METADATA = MetaData()
TABLES = log_tables(METADATA)
TENANT = "bench"
ORIGIN = "systemzero.example/log"
KEY = Ed25519PrivateKey.generate()
MOST_GROWTH = 16.0  # MB, from a tenth of the entries to all of them: caches, not the log
BODY = {"event_id": "evt_0", "screen_id": "scr_0", "verdict": "DRIFT", "edits": ["x" * 60] * 4}
SECONDS = 2.0  # for each rate


def fsync_rate(folder: Path) -> float:
    """Appends of 4 KiB with an fsync each, a second: what the disk alone can do."""
    descriptor = os.open(folder / "fsync", os.O_WRONLY | os.O_CREAT, 0o600)
    page = secrets.token_bytes(4096)
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < SECONDS:
        os.write(descriptor, page)
        os.fsync(descriptor)
        count += 1
    os.close(descriptor)
    return count / elapsed


async def append_rate(database: Database, log: LogStore, writers: int) -> tuple[float, float]:
    """Durable appends a second by so many writers at once, and the CPU seconds of each."""
    now = datetime.now(UTC)
    end = time.perf_counter() + SECONDS

    own = database.of(TENANT)

    def job(connection: TenantConnection) -> Appended:
        return log.append(connection, "drift.event", BODY, now)

    async def write() -> int:
        count = 0
        while time.perf_counter() < end:
            await own.write(job)
            count += 1
        return count

    start, cpu = time.perf_counter(), time.process_time()
    count = sum(await asyncio.gather(*(write() for _ in range(writers))))
    return count / (time.perf_counter() - start), (time.process_time() - cpu) / count


async def fill(database: Database, log: LogStore, tenant: str, entries: int) -> None:
    """A log of so many entries, written as `append` writes them but a thousand rows at a time."""
    tree, now, body = CompactRange(), datetime.now(UTC), canonical_json(BODY)
    statement = insert(TABLES.entries)

    macs, before = Macs(ORIGIN, [KEY]), b""

    def rows(count: int) -> list[dict[str, object]]:
        nonlocal before
        made: list[dict[str, object]] = []
        for _ in range(count):
            entry = new_entry(tree.size, "drift.event", now, secrets.token_bytes(16), body)
            hashes = b"".join(tree.push(entry.leaf_hash))
            before = macs.of(tenant, entry.index, entry.leaf_hash, before)
            made.append(
                {
                    "tenant": tenant,
                    "position": entry.index,
                    "kind": entry.kind,
                    "create_time": entry.create_time,
                    "salt": entry.salt,
                    "body": body,
                    "digest": entry.digest,
                    "hashes": hashes,
                    "mac": before,
                }
            )
        return made

    while tree.size < entries:
        page = rows(min(1000, entries - tree.size))
        await database.write(lambda c, page=page: c.execute(statement, page).close())  # type: ignore[misc]
        if tree.size % 100_000 == 0:
            progress(f"filled {tree.size} of {entries} entries")
    await log.checkpoint(tenant)


async def proof_latencies(log: LogStore, entries: int, samples: int = 2000) -> list[float]:
    """Seconds for each of so many inclusion proofs of entries all over the log."""
    taken = []
    for i in range(samples):
        start = time.perf_counter()
        await log.inclusion_proof("large", i * 7919 % entries, entries)
        taken.append(time.perf_counter() - start)
    return taken


async def verification_rate(
    log: LogStore, tenant: str, file: Path, entries: int
) -> tuple[float, float, float]:
    """Entries a second: of exporting a log to a file, verifying that, and checking the store."""
    start = time.perf_counter()
    with file.open("wb") as out:
        async for line in log.export(tenant):
            out.write(line)
    exported = time.perf_counter() - start
    keys = [VerifierKey.parse(vkey) for vkey in log.vkeys(tenant)]
    pinned = parse_checkpoint(await log.checkpoint_at(tenant, entries // 2))
    start = time.perf_counter()
    with file.open("rb") as lines:
        verify_export(lines, vkeys=keys, pinned=pinned)
    verified = time.perf_counter() - start
    start = time.perf_counter()
    await log.verify(tenant)
    return entries / exported, entries / verified, entries / (time.perf_counter() - start)


async def measure_appends(report: Report, kind: str, database: Database, folder: Path) -> None:
    """The rates of appends by 1, 16 and 128 writers, each beside fsync's."""
    log = LogStore(database, TABLES, ORIGIN, [KEY])
    for writers, share in ((1, 0.5), (16, None), (128, 1.6)):
        before = fsync_rate(folder)
        rate, cpu = await append_rate(database, log, writers)
        fsync = (before + fsync_rate(folder)) / 2
        name = f"log_appends_{kind}_{writers}_writers"
        report.emit(f"{name}_fsync", fsync, "1/s")
        ask = share * fsync if share and kind == "sqlite" else None
        report.emit(name, rate, "1/s", ask, None if ask is None else rate >= ask)
        report.emit(f"{name}_to_fsync", rate / fsync, "ratio")
        report.emit(f"{name}_cpu", cpu * 1e3, "ms")
    await log.publish_checkpoints()


async def measure_postgres(report: Report, folder: Path) -> None:
    """Appends on PostgreSQL, with durable commits."""
    with process("fsync=on") as server:
        server.start()
        database = Server(server.url).open(METADATA, 1)
        await measure_appends(report, "postgres", database, folder)
        await database.close()


async def measure_proofs(report: Report, log: LogStore, entries: int) -> None:
    """What an inclusion proof costs in a large log."""
    cpu = time.process_time()
    taken = await proof_latencies(log, entries)
    cpu = (time.process_time() - cpu) / len(taken)
    report.emit("log_inclusion_proof_cpu", cpu * 1e3, "ms")
    report.emit("log_inclusion_proof_p50", statistics.median(taken) * 1e3, "ms")
    report.emit("log_inclusion_proof_p95", statistics.quantiles(taken, n=20)[-1] * 1e3, "ms", 1.0)


async def measure(report: Report, folder: Path, entries: int) -> None:
    """Every figure of the log."""
    database = open_sqlite(folder / "log.db", METADATA, 1)
    await measure_appends(report, "sqlite", database, folder)
    log = LogStore(database, TABLES, ORIGIN, [KEY])
    peaks = []
    for tenant, size in (("small", entries // 10), ("large", entries)):
        await fill(database, log, tenant, size)
        exported, verified, checked = await verification_rate(
            log, tenant, folder / "export.jsonl", size
        )
        peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    report.emit("log_export", exported, "entries/s")
    report.emit("log_verification", verified, "entries/s", 100_000, verified >= 100_000)
    report.emit("log_check", checked, "entries/s")
    report.emit("log_memory_small", peaks[0], "MB")
    report.emit("log_memory_growth", peaks[1] - peaks[0], "MB", MOST_GROWTH)
    await measure_proofs(report, log, entries)
    await database.close()
    start = time.perf_counter()
    database = open_sqlite(folder / "log.db", METADATA, 1)
    await LogStore(database, TABLES, ORIGIN, [KEY]).check()
    report.emit("log_start", time.perf_counter() - start, "s", 2.0)
    await database.close()
    await measure_postgres(report, folder)


def main() -> int:
    """Parse the command line, measure, and say by the exit status whether every ask holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="the only form there is")
    parser.add_argument("--entries", type=int, default=1_000_000, help="of the large log")
    parser.add_argument("--folder", type=Path, help="on the disk to measure")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        asyncio.run(measure(report, Path(folder), arguments.entries))
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
