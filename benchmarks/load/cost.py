"""CPU per call of each kind in the mix, beside a bare hop: one JSON line a figure.

    python -m benchmarks.load.cost [--kind standalone|split] [--workers N] [--only KIND]
                                   [--runs N] [--rounds N]

What is counted is user and system time of the server's processes, so the load's own cost and that
of others on the machine are no part of it. Each run starts the processes afresh; in every round of
a run each kind has its turn, and the hop one too. The ratio of the two travels between machines,
and its spread over runs and rounds is the noise. Of a split platform each service's share is told
too, as `KIND@SERVICE`.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import sys
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack

import grpc

from benchmarks import _hops
from benchmarks._hops import METHOD
from benchmarks._processes import command_of, cpu_seconds_of
from benchmarks._report import Report, progress
from benchmarks.load.mix import MIXES, Prepared
from benchmarks.load.noise import Spread
from benchmarks.load.world import OWN_CONNECTION, World, world
from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from tests.support.platform import KINDS

SERVICES = ("gateway", "capture", "diff")
RUNS, ROUNDS = 3, 3
CALLS = {"digest": 800, "unknown": 800, "same": 480, "read": 480}
"""In a turn; so many of the cheap ones that a clock of 10 ms resolves them."""
DEAR_CALLS = 160
HOP_CALLS = 1_000
IN_FLIGHT = 8
MESSAGE_BYTES = 64_000_000

Rounds = dict[str, list[float]]
"""By kind of call: milliseconds of CPU a call in each round."""
AT = "@"
"""Stands between a kind of call and the service whose share of its cost this is."""


def main() -> int:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default="standalone")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--only", action="append", help="only calls of this kind")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    report = Report()
    kind, workers = arguments.kind, arguments.workers
    measured = measure(kind, arguments.runs, arguments.rounds, arguments.only, workers)
    emit(report, kind if workers == 1 else f"{kind}_{workers}", measured)
    return report.status()


def measure(
    kind: str, runs: int, rounds: int, only: Sequence[str] | None = None, workers: int = 1
) -> Rounds:
    """The cost of every kind of call on a platform of `kind`, and of a bare hop, as `hop`."""
    found: Rounds = {}
    for number in range(runs):
        progress(f"{kind}: run {number + 1} of {runs}")
        for name, costs in _run(kind, rounds, only, workers).items():
            found.setdefault(name, []).extend(costs)
    return found


def ratios(rounds: Rounds) -> Rounds:
    """Every cost as a multiple of the hop's in the same round."""
    hops = rounds["hop"]
    return {
        name: [cost / hop for cost, hop in zip(costs, hops, strict=True)]
        for name, costs in rounds.items()
        if name != "hop" and AT not in name
    }


def _run(kind: str, rounds: int, only: Sequence[str] | None, workers: int) -> Rounds:
    with ExitStack() as stack:
        here = stack.enter_context(world(kind, workers))
        echo = stack.enter_context(_hops.raw("echo"))
        hop = stack.enter_context(_hops.raw("hop", echo.target, uvloop=True))
        kinds = {p.kind: [q for q in here.prepared if q.kind == p.kind] for p in here.prepared}
        kinds = {name: calls for name, calls in kinds.items() if not only or name in only}
        runs = itertools.count(1)
        found: Rounds = {"hop": []}
        for _ in range(rounds):
            found["hop"].append(_hop(hop))
            for name, calls in kinds.items():
                for service, cost in _turn(here, calls, runs).items():
                    found.setdefault(name + service, []).append(cost)
        return found


def _hop(server: _hops.Server) -> float:
    call = Prepared("hop", METHOD, b"x" * 100, 0)
    start = cpu_seconds_of(server.processes())
    asyncio.run(_send(server.target, "", [(call, call.body)] * HOP_CALLS))
    return (cpu_seconds_of(server.processes()) - start) * 1e3 / HOP_CALLS


def _turn(
    here: World, prepared: Sequence[Prepared], runs: itertools.count[int]
) -> dict[str, float]:
    """Milliseconds of CPU a call: of all processes, under the empty name, and of each service."""
    count = CALLS.get(prepared[0].kind, DEAR_CALLS)
    calls = [prepared[i % len(prepared)] for i in range(count)]
    bodies = [(call, call.filled(next(runs))) for call in calls]
    services = {"": here.pids(), **_services(here.pids())}
    before = {name: cpu_seconds_of(pids) for name, pids in services.items()}
    connections = 1 if here.workers == 1 else IN_FLIGHT
    asyncio.run(_send(here.target, here.key, bodies, connections))
    return {
        name: (cpu_seconds_of(pids) - before[name]) * 1e3 / count for name, pids in services.items()
    }


def _services(pids: Sequence[int]) -> dict[str, list[int]]:
    """The processes of each service, by name; none where one process has them all."""
    found: dict[str, list[int]] = {}
    for pid in pids:
        for name in SERVICES:
            if f"systemzero_{name}" in command_of(pid):
                found.setdefault(AT + name, []).append(pid)
    return found


async def _send(
    target: str, key: str, bodies: Sequence[tuple[Prepared, bytes]], connections: int = 1
) -> None:
    """Send every call, `IN_FLIGHT` at a time; each must be answered, and with its verdict."""
    metadata = (("authorization", f"Bearer {key}"),) if key else ()
    waiting = iter(bodies)
    options = [OWN_CONNECTION, ("grpc.max_receive_message_length", MESSAGE_BYTES)]
    async with AsyncExitStack() as stack:
        channels = [
            await stack.enter_async_context(grpc.aio.insecure_channel(target, options))
            for _ in range(connections)
        ]

        async def caller(channel: grpc.aio.Channel) -> None:
            for call, body in waiting:
                method = channel.unary_unary(call.method, None, None)
                answer = await method(body, metadata=metadata, timeout=60)
                check(call, answer)

        await asyncio.gather(*(caller(channels[i % connections]) for i in range(IN_FLIGHT)))


def check(call: Prepared, answer: bytes) -> None:
    """Hold an answer against what it must say.

    Raises:
        AssertionError: it is another verdict.
    """
    if call.verdict:
        verdict = capture_pb.IngestResponse.FromString(answer).verdict
        if verdict.kind != call.verdict:
            raise AssertionError(f"{call.kind}: {verdict.explanation}")


def of_mix(costs: Mapping[str, float], mix: Mapping[str, float]) -> float:
    """The cost of a screen of `mix`, whose shares are in a hundred, by the cost of each kind."""
    return sum(costs[kind] * share for kind, share in mix.items()) / 100


def emit(report: Report, kind: str, rounds: Rounds) -> None:
    """Report medians, ratios to the hop, and what the mixes come to."""
    costs = {name: Spread.of(them).median for name, them in rounds.items()}
    for name, cost in costs.items():
        report.emit(f"load.cpu/{kind}/{name}", cost, "ms of CPU")
    for name, them in ratios(rounds).items():
        report.emit(f"load.cpu_to_hop/{kind}/{name}", Spread.of(them).median, "hops")
    for name, mix in MIXES.items():
        for at in ("", *(AT + service for service in SERVICES)):
            if all(each + at in costs for each in mix):
                cost = of_mix({each: costs[each + at] for each in mix}, mix)
                report.emit(f"load.cpu/{kind}/mix_{name}{at}", cost, "ms of CPU a screen")


if __name__ == "__main__":
    sys.exit(main())
