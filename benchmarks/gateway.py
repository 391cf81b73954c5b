"""What the gateway costs a call, beside a bare Python hop, in one run: `--json` on stdout.

Each server is a process of its own; what is counted is the CPU time of the process in question.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import grpc

from benchmarks._limits import measure_limits
from benchmarks._report import Report, progress
from systemzero_chassis import logs, loop
from systemzero_chassis.database import open_sqlite
from systemzero_chassis.service import server_options, until_signal
from systemzero_gateway import apikey
from systemzero_gateway.config import TokenSettings
from systemzero_gateway.identity import Identity
from systemzero_gateway.keys import load_or_create_pepper
from systemzero_gateway.store import METADATA, SCHEMA_VERSION
from tests.support.gateway import SERVICE, world

UNARY = f"/{SERVICE}/Unary"
CALLS = 2_000
ROUNDS = 3  # the least of them counts: others use this machine too
CONCURRENT = 8
TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Raw(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """A bare echo, or a bare hop to a channel."""

    def __init__(self, onward: grpc.aio.Channel | None) -> None:
        self._call: Any = onward.unary_unary(UNARY, None, None) if onward else None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._hop if self._call else self._echo)

    async def _echo(self, request: bytes, context: Any) -> bytes:
        return request

    async def _hop(self, request: bytes, context: Any) -> bytes:
        response: bytes = await self._call(request)
        return response


async def serve_raw(onward: str) -> None:
    channel = grpc.aio.insecure_channel(onward) if onward else None
    server = grpc.aio.server(options=server_options(5_000_000))
    server.add_generic_rpc_handlers((Raw(channel),))
    print(server.add_insecure_port("127.0.0.1:0"), "-", flush=True)
    await server.start()
    await until_signal()
    await server.stop(0)


async def serve_gateway(data: Path, echo: str | None) -> None:
    logs.configure("info")
    async with world(data, local=echo is None, target=echo) as here:
        print(here.port, here.secret, flush=True)
        await until_signal()


@contextmanager
def server(role: str, *arguments: str) -> Iterator[tuple[int, str, str]]:
    """A server process: its pid, its target and a credential."""
    command = [sys.executable, "-m", "benchmarks.gateway", "--serve", role, *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert process.stdout is not None
    try:
        port, secret = process.stdout.readline().split()
        yield process.pid, f"127.0.0.1:{port}", secret
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@asynccontextmanager
async def caller(target: str, secret: str) -> AsyncIterator[Any]:
    async with grpc.aio.insecure_channel(target) as channel:
        call: Any = channel.unary_unary(UNARY, None, None)
        metadata = (("authorization", f"Bearer {secret}"),)

        async def run(calls: int) -> None:
            for _ in range(calls // CONCURRENT):
                await call(b"x" * 100, metadata=metadata)

        async def load(calls: int) -> float:
            start = time.perf_counter()
            await asyncio.gather(*(run(calls) for _ in range(CONCURRENT)))
            return time.perf_counter() - start

        yield load


async def measure(pid: int, target: str, secret: str) -> tuple[float, float]:
    """Milliseconds of CPU a call in process `pid`, and calls a second."""
    async with caller(target, secret) as load:
        await load(CALLS // 4)
        before = cpu_of(pid)
        seconds = await load(CALLS)
        return (cpu_of(pid) - before) * 1e3 / CALLS, CALLS / seconds


def forwarding(report: Report) -> None:
    """Echo, hop and gateway in turns, so that a busy moment of the machine hits all of them."""
    with ExitStack() as stack:
        folders = [stack.enter_context(tempfile.TemporaryDirectory()) for _ in range(2)]
        echo = stack.enter_context(server("echo"))
        servers = {
            "echo": echo,
            "hop": stack.enter_context(server("hop", echo[1])),
            "gateway": stack.enter_context(server("gateway", folders[0], echo[1])),
            "gateway_local": stack.enter_context(server("local", folders[1])),
        }
        best = dict.fromkeys(servers, (float("inf"), 0.0))
        for turn in range(ROUNDS):
            for name, started in servers.items():
                progress(f"gateway: {name}, {CALLS} calls, turn {turn + 1}")
                cpu, rate = asyncio.run(measure(*started))
                best[name] = min(best[name][0], cpu), max(best[name][1], rate)
    for name, (cpu, rate) in best.items():
        report.emit(f"gateway.cpu/{name}", cpu, "ms of CPU")
        report.emit(f"gateway.rate/{name}", rate, "calls/s")
    report.emit("gateway.cpu_to_hop", best["gateway"][0] / best["hop"][0], "times", 1.25)


async def decisions(report: Report, data: Path) -> None:
    """The two decisions that every call pays for, in this process."""
    database = open_sqlite(data / "gateway.sqlite3", METADATA, SCHEMA_VERSION)
    identity = Identity(database, load_or_create_pepper(data / "pepper.key"), TokenSettings(), 1)
    await identity.start(data / "admin.key", data / "platform.key")
    authenticator = identity.authenticator
    header = f"Bearer {(data / 'admin.key').read_text().strip()}"
    await authenticator.known(header)
    await authenticator.authenticate(header)
    calls = 100_000
    start = time.process_time()
    for _ in range(calls):
        assert await authenticator.known(header)
    report.emit(
        "gateway.authenticated_hit", (time.process_time() - start) * 1e6 / calls, "us of CPU", 5
    )
    await database.close()
    await measure_limits(report)
    start = time.process_time()
    secret = apikey.new_secret()
    for _ in range(calls):
        apikey.is_well_formed(secret)
    report.emit("gateway.key_checksum", (time.process_time() - start) * 1e6 / calls, "us of CPU")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="as it always is")
    parser.add_argument("--serve", nargs="+", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        role, *rest = arguments.serve
        if role in {"gateway", "local"}:
            loop.run(serve_gateway(Path(rest[0]), rest[1] if role == "gateway" else None))
        else:
            asyncio.run(serve_raw(rest[0] if rest else ""))
        return 0
    report = Report()
    with tempfile.TemporaryDirectory() as data:
        asyncio.run(decisions(report, Path(data)))
    forwarding(report)
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
