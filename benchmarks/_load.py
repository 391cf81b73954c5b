"""Load on a gRPC server: from h2load (C) where it is installed, else from Python, which costs more.

h2load takes every answer for a success: each load begins with a call that is checked.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import struct
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import grpc

from benchmarks._hops import METHOD, Server

CONNECTIONS = 8
H2LOAD = shutil.which("h2load")


class Load(NamedTuple):
    """What came of it: answers a second, and the latencies in milliseconds, sorted."""

    rate: float
    latencies: list[float]

    def percentile(self, share: float) -> float:
        """The latency that `share` of the answers did not exceed."""
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


def load(server: Server, calls: int, size: int, *, rate: int = 0, method: str = METHOD) -> Load:
    """`calls` of `size` bytes on `CONNECTIONS` connections; `rate` a second if it is given."""
    asyncio.run(_check(server, size, method))
    if H2LOAD is None:
        return asyncio.run(_from_python(server, calls, size, rate, method))
    return _from_h2load(H2LOAD, server, calls, size, rate, method)


def _metadata(server: Server) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {server.credential}"),) if server.credential else ()


async def _check(server: Server, size: int, method: str) -> None:
    async with grpc.aio.insecure_channel(server.target) as channel:
        call: Any = channel.unary_unary(method, None, None)
        body = b"x" * size
        answer = await call(body, metadata=_metadata(server), wait_for_ready=True, timeout=60)
        assert answer == body


def _from_h2load(
    program: str, server: Server, calls: int, size: int, rate: int, method: str
) -> Load:
    with tempfile.TemporaryDirectory() as folder:
        body, log = Path(folder) / "body", Path(folder) / "log"
        body.write_bytes(struct.pack(">BI", 0, size) + b"x" * size)
        headers = {"content-type": "application/grpc", "te": "trailers", **dict(_metadata(server))}
        command = [program, "-n", str(calls), "-c", str(CONNECTIONS), "-m", "1", "-d", str(body)]
        command += [word for key, value in headers.items() for word in ("-H", f"{key}: {value}")]
        command += ["--log-file", str(log)]
        if rate:
            command += ["--rps", str(max(1, rate // CONNECTIONS))]
        command.append(f"http://{server.target}{method}")
        said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"finished in [^,]+, ([\d.]+) req/s", said)
        assert found is not None, said
        lines = [line.split() for line in log.read_text().splitlines()]
        assert all(line[1] == "200" for line in lines), said
        return Load(float(found[1]), sorted(int(line[2]) / 1e3 for line in lines))


async def _from_python(server: Server, calls: int, size: int, rate: int, method: str) -> Load:
    latencies: list[float] = []
    each, pause = calls // CONNECTIONS, CONNECTIONS / rate if rate else 0.0

    async def run() -> None:
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(server.target, options=options) as channel:
            call: Any = channel.unary_unary(method, None, None)
            begin = time.perf_counter()
            for number in range(each):
                if rate:
                    await asyncio.sleep(begin + number * pause - time.perf_counter())
                start = time.perf_counter()
                await call(b"x" * size, metadata=_metadata(server))
                latencies.append((time.perf_counter() - start) * 1e3)

    start = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(CONNECTIONS)))
    return Load(len(latencies) / (time.perf_counter() - start), sorted(latencies))
