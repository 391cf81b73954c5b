"""The mix for a long time: `python -m benchmarks.load.soak [--minutes N] [--kind KIND]`.

Calls are sent one after the other by a few callers, at a rate that leaves the machine time for
others; every few seconds the memory and descriptors of the server's processes are read. What must
not grow is anonymous memory: the share of file pages depends on who else has them mapped. After a
warm-up, in which caches fill (they are made small, so that they do), memory must not climb: the
slope is Theil and Sen's (the median of the slopes between all pairs of readings, which odd readings
do not move), and it is called zero where the 95 % confidence interval after Kendall's S holds zero,
or where it comes to less than `NEGLIGIBLE` over the soak. Descriptors must be as many at the end as
after the warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import grpc

from benchmarks._processes import descriptors, memory_bytes
from benchmarks._report import Report, progress
from benchmarks.load import machine
from benchmarks.load.cost import MESSAGE_BYTES, check
from benchmarks.load.install import HOME
from benchmarks.load.mix import MIXES, Prepared, calls
from benchmarks.load.world import OWN_CONNECTION, World, world
from tests.support.platform import KINDS

CALLERS = 4
CHANNELS = 32
"""So many that each worker has some at any time, though connections end with age. A worker that has
all calls keeps the pages of its databases, which else the other's writes empty: some 16 MB."""
WARM_UP = 0.25
"""The share of the time that does not count."""
EVERY_SECONDS = 2.0
SMALL = {
    "CAPTURE": {"KNOWN_CAPTURES": 2_000},
    "DIFF": {"KNOWN_VERDICTS": 2_000, "KNOWN_DRIFTS": 100},
}
"""Settings of the services under which their caches are full after a few thousand calls."""
NEGLIGIBLE = 0.02
"""Growth over the soak, as a share of the memory, below which nobody has to know."""
MORE_DESCRIPTORS = 2
_Z = 1.96


class Reading(NamedTuple):
    """The server at one moment."""

    seconds: float
    memory: int
    anonymous: int
    descriptors: int
    calls: int


class Slope(NamedTuple):
    """Theil and Sen's slope with its 95 % confidence interval, in units a second."""

    value: float
    low: float
    high: float


def main() -> int:
    """Soak; 1 where memory or descriptors grow."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--kind", choices=KINDS, default="standalone")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--mix", choices=MIXES, default="native")
    parser.add_argument("--rate", type=float, default=40.0, help="calls a second, at most")
    parser.add_argument("--out", type=Path, default=HOME / "reports")
    arguments = parser.parse_args()
    os.environ.update(_small(arguments.kind))
    with world(arguments.kind, arguments.workers) as here:
        seconds = arguments.minutes * 60
        found = asyncio.run(_soak(here, arguments.mix, arguments.rate, seconds))
    arguments.out.mkdir(parents=True, exist_ok=True)
    told = {"machine": machine.facts(), "readings": [reading._asdict() for reading in found]}
    (arguments.out / f"soak_{here.name}.json").write_text(json.dumps(told, indent=1))
    report = Report()
    _emit(report, f"soak/{here.name}", found)
    return report.status()


def _small(kind: str) -> dict[str, str]:
    """`SMALL` as the environment of a platform of `kind`."""
    prefix = "SZ_STANDALONE_{}__{}" if kind == "standalone" else "SZ_{}_{}"
    return {
        prefix.format(service, name): str(value)
        for service, settings in SMALL.items()
        for name, value in settings.items()
    }


async def _soak(here: World, mix: str, rate: float, seconds: float) -> list[Reading]:
    count = itertools.count(1)
    stream = calls(here.prepared, MIXES[mix], 1)
    found: list[Reading] = []
    options = [OWN_CONNECTION, ("grpc.max_receive_message_length", MESSAGE_BYTES)]
    channels = [grpc.aio.insecure_channel(here.target, options) for _ in range(CHANNELS)]
    turns = itertools.cycle(channels)
    start = time.monotonic()
    done = 0

    async def caller() -> None:
        nonlocal done
        metadata = (("authorization", f"Bearer {here.key}"),)
        while time.monotonic() - start < seconds:
            begun = time.monotonic()
            chosen: Prepared = next(stream)
            method = next(turns).unary_unary(chosen.method, None, None)
            body = chosen.filled(next(count))
            check(chosen, await method(body, metadata=metadata, timeout=60))
            done += 1
            await asyncio.sleep(max(0.0, CALLERS / rate - (time.monotonic() - begun)))

    async def reader() -> None:
        pids = here.pids()
        while (now := time.monotonic() - start) < seconds:
            memory, anonymous = memory_bytes(pids), memory_bytes(pids, "Anonymous")
            found.append(Reading(round(now, 1), memory, anonymous, descriptors(pids), done))
            if len(found) % 30 == 1:
                last = found[-1]
                progress(f"{now:6.0f} s: {done} calls, {last.memory / 1e6:.1f} MB")
            await asyncio.sleep(EVERY_SECONDS)

    await asyncio.gather(reader(), *(caller() for _ in range(CALLERS)))
    for channel in channels:
        await channel.close(None)
    return found


def _emit(report: Report, name: str, found: Sequence[Reading]) -> None:
    steady = found[int(len(found) * WARM_UP) :]
    seconds = steady[-1].seconds - steady[0].seconds
    slope = theil_sen([(reading.seconds, reading.anonymous) for reading in steady])
    first = steady[0].anonymous
    hour = 3_600 / 1e6
    zero = slope.low <= 0 or slope.value * seconds < NEGLIGIBLE * first
    report.emit(f"{name}/calls", found[-1].calls, "calls")
    report.emit(f"{name}/memory", steady[-1].memory / 1e6, "MB")
    report.emit(f"{name}/memory_slope", slope.value * hour, "MB an hour", None, zero)
    report.emit(f"{name}/memory_slope_low", slope.low * hour, "MB an hour")
    report.emit(f"{name}/memory_slope_high", slope.high * hour, "MB an hour")
    more = steady[-1].descriptors - steady[0].descriptors
    report.emit(f"{name}/descriptors_more", more, "descriptors", MORE_DESCRIPTORS)


def theil_sen(points: Sequence[tuple[float, float]]) -> Slope:
    """The median slope between pairs of points, with its interval (Sen 1968).

    Raises:
        ValueError: there are fewer than three points.
    """
    n = len(points)
    if n < 3:
        raise ValueError("a slope needs three readings")
    slopes = sorted(_slopes(points))
    spread = _Z * math.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    low = max(0, int((len(slopes) - spread) / 2))
    high = min(len(slopes) - 1, int((len(slopes) + spread) / 2))
    return Slope(slopes[len(slopes) // 2], slopes[low], slopes[high])


def _slopes(points: Sequence[tuple[float, float]]) -> Iterator[float]:
    for (x1, y1), (x2, y2) in itertools.combinations(points, 2):
        if x1 != x2:
            yield (y2 - y1) / (x2 - x1)


if __name__ == "__main__":
    sys.exit(main())
