"""Idle watches: statements and CPU a second; how long a commit takes to reach a watcher.

Run as `python -m benchmarks.watch --json [--watches N] [--seconds S]`. One tenant watches
captures of one service, and another service, which shares nothing with it but the database, stands
for another process. PostgreSQL is that of the wheel.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from benchmarks._report import Report, progress
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero_base.internal.identity import (
    METADATA_KEY,
    IdentitySigner,
    IdentityVerifier,
    Principal,
)
from systemzero_base.work import loop as eventloop
from systemzero_capture.app import CaptureService
from systemzero_capture.config import CaptureSettings
from systemzero_capture.store import METADATA, SCHEMA
from systemzero_core.tree import Node, Tree
from systemzero_runtime.running.backend import backend_registry
from systemzero_runtime.serving.local import LocalChannel
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_storage.database import DatabaseSettings
from systemzero_storage.postgres.provision import grant, provision
from systemzero_wire.trees import encode_tree
from tests.support import postgres
from tests.support.services import KEY, seconds

TENANT = "acme"
COMMITS = 100


class Statements:
    """Counts what SQLAlchemy sends, of every database of this process."""

    def __init__(self) -> None:
        self.count = 0
        event.listen(Engine, "before_cursor_execute", self._count)

    def _count(self, *_: Any) -> None:
        self.count += 1


@asynccontextmanager
async def serving(folder: Path, database: DatabaseSettings) -> AsyncIterator[Any]:
    """A stub of a capture service of its own over a database."""
    signer = IdentitySigner("capture", KEY, seconds)
    settings = CaptureSettings(data=folder, database=database)
    service = CaptureService(settings, LocalChannel(HandlerRegistry()), signer)
    verifier = IdentityVerifier("capture", {"gateway": KEY.public_key()}, seconds)
    await service.start()
    channel = LocalChannel(backend_registry(service, verifier))
    try:
        yield capture_service_pb2_grpc.CaptureServiceStub(channel)
    finally:
        await service.stop()


def metadata() -> list[tuple[str, str]]:
    """Who calls."""
    token = IdentitySigner("gateway", KEY, seconds).token(Principal(TENANT, "key_1"), "capture")
    return [(METADATA_KEY, token)]


async def idle(report: Report, name: str, statements: Statements, duration: float) -> None:
    """What goes on while nothing does."""
    count, cpu = statements.count, time.process_time()
    await asyncio.sleep(duration)
    report.emit(f"{name}_statements", (statements.count - count) / duration, "1/s")
    report.emit(f"{name}_cpu", 100 * (time.process_time() - cpu) / duration, "%")


async def latencies(watch: Any, writer: Any) -> list[float]:
    """Milliseconds from the answer to a capture until the watch has it."""
    found = []
    for number in range(COMMITS):
        tree = encode_tree(Tree([Node("button", name=f"Buy {number}")], [-1]))
        reading = asyncio.ensure_future(anext(watch))
        await writer.Ingest(pb.IngestRequest(app="a", tree=tree), metadata=metadata())
        start = time.perf_counter()
        await reading
        found.append(1_000 * (time.perf_counter() - start))
        await asyncio.sleep(0.01 * (number % 7))  # commits do not come in step with a poll
    return found


def emit_latencies(report: Report, name: str, found: list[float]) -> None:
    """Their median and their 95th percentile."""
    report.emit(f"{name}_p50", statistics.median(found), "ms")
    report.emit(f"{name}_p95", statistics.quantiles(found, n=20)[-1], "ms")


async def measure(
    report: Report, name: str, folder: Path, database: DatabaseSettings, arguments: Any
) -> None:
    """Every figure of one database."""
    statements = Statements()
    async with AsyncExitStack() as stack:
        own = await stack.enter_async_context(serving(folder, database))
        await asyncio.sleep(1)
        await idle(report, f"watch_{name}_none", statements, arguments.seconds)
        watches = [
            aiter(own.WatchCaptures(pb.WatchCapturesRequest(), metadata=metadata()))
            for _ in range(arguments.watches)
        ]
        for watch in watches:
            await anext(watch)
        await asyncio.sleep(1)
        await idle(report, f"watch_{name}_{len(watches)}_idle", statements, arguments.seconds)
        await asyncio.gather(*(watch.aclose() for watch in watches[1:]))
        found = await latencies(watches[0], own)
        emit_latencies(report, f"watch_{name}_own_commit", found)
        other = await stack.enter_async_context(serving(folder, database))
        found = await latencies(watches[0], other)
        emit_latencies(report, f"watch_{name}_other_process_commit", found)
        await watches[0].aclose()


def on_postgres(process: postgres.Process, folder: Path) -> DatabaseSettings:
    """Where the service's schema is made; the URL has a password, and is put into a file."""
    server = postgres.Server(process.url)

    def job(connection: Any) -> None:
        provision(connection, SCHEMA.name, METADATA, SCHEMA.version)
        grant(connection, SCHEMA.name, postgres.ROLE)

    server.run(job)
    file = folder / "service.url"
    file.touch(mode=0o600)
    file.write_text(server.url)
    return DatabaseSettings(url_file=file)


def main() -> int:
    """Parse the command line, measure, and say by the exit status whether every ask holds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--json", action="store_true", help="the only form there is")
    parser.add_argument("--watches", type=int, default=1_000, help="at a time")
    parser.add_argument("--seconds", type=float, default=10.0, help="of idling")
    arguments = parser.parse_args()
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        progress("sqlite")
        eventloop.run(measure(report, "sqlite", folder, DatabaseSettings(), arguments))
    with tempfile.TemporaryDirectory() as name, postgres.process("fsync=on") as process:
        process.start()
        progress("postgres")
        folder = Path(name)
        database = on_postgres(process, folder)
        eventloop.run(measure(report, "postgres", folder, database, arguments))
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
