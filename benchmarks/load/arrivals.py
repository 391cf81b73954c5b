"""The mix with calls that come when they come: `python -m benchmarks.load.arrivals [--rate N …]`.

Locust's users wait for their answers before they call again. Here calls arrive at random times (a
Poisson process) whether earlier ones were answered or not, and each is late from the moment at
which it was due. One JSON line a figure.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import sys
import time

import grpc

from benchmarks._processes import cpu_seconds_of
from benchmarks._report import Report
from benchmarks.load.mix import MIXES, calls
from benchmarks.load.world import OWN_CONNECTION, World, world
from tests.support.platform import KINDS

RATES = (100, 200, 400, 600, 800, 1_000)
SECONDS = 10.0
CHANNELS = 32
TIMEOUT = 30.0


class Arrivals:
    """Calls of a mix on one platform, and how long each took."""

    def __init__(self, here: World, mix: str) -> None:
        self._here = here
        self._calls = calls(here.prepared, dict(MIXES[mix]), 1)
        self._runs = itertools.count(1)
        self.milliseconds: list[float] = []
        self.failed = 0

    async def run(self, rate: float, seconds: float) -> float:
        """Make calls at a rate for so long, and wait for all answers; the calls a second."""
        channels = [
            grpc.aio.insecure_channel(self._here.target, [OWN_CONNECTION]) for _ in range(CHANNELS)
        ]
        start = due = time.perf_counter()
        async with asyncio.TaskGroup() as group:
            for channel in itertools.cycle(channels):
                await asyncio.sleep(due - time.perf_counter())
                group.create_task(self._call(channel, due))
                due += random.expovariate(rate)
                if due > start + seconds:
                    break
        elapsed = time.perf_counter() - start
        for channel in channels:
            await channel.close(None)
        return len(self.milliseconds) / elapsed

    async def _call(self, channel: grpc.aio.Channel, due: float) -> None:
        chosen, metadata = next(self._calls), (("authorization", f"Bearer {self._here.key}"),)
        body = chosen.filled(next(self._runs))
        try:
            method = channel.unary_unary(chosen.method, None, None)
            await method(body, metadata=metadata, timeout=TIMEOUT)
        except grpc.aio.AioRpcError:
            self.failed += 1
        self.milliseconds.append((time.perf_counter() - due) * 1e3)


def main() -> int:
    """Measure one rate after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default="standalone")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--mix", choices=MIXES, default="edge")
    parser.add_argument("--rate", type=float, nargs="*", default=RATES, help="calls a second")
    parser.add_argument("--seconds", type=float, default=SECONDS)
    arguments = parser.parse_args()
    report = Report()
    with world(arguments.kind, arguments.workers) as here:
        for rate in arguments.rate:
            cpu, seen = cpu_seconds_of(here.pids()), Arrivals(here, arguments.mix)
            done = asyncio.run(seen.run(rate, arguments.seconds))
            cpu = cpu_seconds_of(here.pids()) - cpu
            name, count = (
                f"arrivals/{here.name}/{arguments.mix}/{rate:g}",
                len(seen.milliseconds),
            )
            parts = statistics.quantiles(seen.milliseconds, n=100)
            report.emit(f"{name}/rate", done, "calls/s")
            for part in (50, 95, 99):
                report.emit(f"{name}/p{part}", parts[part - 1], "ms")
            report.emit(f"{name}/errors", seen.failed / count, "share")
            report.emit(f"{name}/server_cpu", cpu / count * 1e3, "ms a call")
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
