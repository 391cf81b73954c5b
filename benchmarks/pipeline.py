"""The whole way of a capture: bytes in to verdict durable, CPU of all server processes per call.

Run as `python -m benchmarks.pipeline --json`. Real processes, one caller, captures sent one after
the other; the caller's own CPU does not count.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks._processes import cpu_seconds_of, group, memory_bytes
from benchmarks._report import Report, progress
from benchmarks._trees import cdp_capture
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_core.intake import take_in
from tests.support.platform import KINDS, Platform, Services, running
from tests.support.stores import document

SIZES = (100, 1_000, 10_000)
ROUNDS = 4
CALLS = {100: 400, 1_000: 150, 10_000: 25}
CHEAP_CALLS = 1_500
EDITS = 0.05
ASKS = {"changed": 25.0, "unchanged": 14.0, "normalised": 2.0, "bytes_seen": 2.0, "digest": 1.0}
"""Milliseconds of CPU for a capture of 1,000 nodes, standalone."""
GROWTH = 12.0
SOAK = 10_000
MAX_MEGABYTES = 150.0
UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT

Requests = Iterator[pb.IngestRequest]


def main() -> int:
    """Measure; 1 where an ask does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON lines (always on)")
    parser.add_argument("--kind", choices=KINDS, action="append", help="only this kind")
    parser.add_argument("--soak", type=int, default=SOAK, help="captures of the memory test")
    arguments = parser.parse_args()
    report = Report()
    for kind in arguments.kind or KINDS:
        with _platform(kind) as (platform, services):
            _whole_way(report, kind, platform, services)
    with _platform("standalone") as (platform, services):
        _memory(report, platform, services, arguments.soak)
    return report.status()


@contextmanager
def _platform(kind: str) -> Iterator[tuple[Platform, Services]]:
    with (
        tempfile.TemporaryDirectory() as folder,
        running(kind, Path(folder)) as platform,
        platform.services() as services,
    ):
        yield platform, services


def _whole_way(report: Report, kind: str, platform: Platform, services: Services) -> None:
    costs: dict[tuple[str, int], float] = {}
    for nodes in SIZES:
        screen = f"screen-{nodes}"
        _learn(services, screen, nodes)
        for name, expected, requests in _cases(nodes, screen):
            progress(f"{kind} {name} {nodes}")
            costs[name, nodes] = _cost(platform, services, requests, expected)
            asked = ASKS.get(name) if kind == "standalone" and nodes == 1_000 else None
            report.emit(f"pipeline/{kind}/{name}/{nodes}", costs[name, nodes], "ms CPU", asked)
    for name in ("changed", "unchanged"):
        growth = costs[name, 10_000] / costs[name, 1_000]
        asked = GROWTH if kind == "standalone" else None
        report.emit(f"pipeline/{kind}/{name}/growth_1000_to_10000", growth, "times", asked)


def _learn(services: Services, screen: str, nodes: int) -> None:
    source = tree_pb2.TreeSource(native=_native(nodes, 0))
    request = template_pb.LearnTemplateRequest(screen_id=screen, captures=[source])
    services.template.LearnTemplate(request)


def _native(nodes: int, run: int, edits: float = 0.0) -> tree_pb2.NativeCapture:
    return tree_pb2.NativeCapture(data=cdp_capture(nodes, run=run, edits=edits).ax)


def _cases(
    nodes: int, screen: str
) -> Iterator[tuple[str, verdict_pb2.VerdictKind.ValueType, list[pb.IngestRequest]]]:
    def request(**content: object) -> pb.IngestRequest:
        return pb.IngestRequest(check=True, screen_hint=screen, **content)  # type: ignore[arg-type]

    calls = CALLS[nodes]
    changed = [request(native=_native(nodes, run, EDITS)) for run in range(1, calls + 1)]
    yield "changed", DRIFT, changed
    yield (
        "unchanged",
        UNCHANGED,
        [request(native=_native(nodes, run)) for run in range(1, calls + 1)],
    )
    intake = take_in(cdp_capture(nodes, run=0).ax)
    body = document(intake.tree)
    yield "normalised", UNCHANGED, [request(native=body)] * CHEAP_CALLS
    yield "bytes_seen", UNCHANGED, [request(native=_native(nodes, 0))] * CHEAP_CALLS
    yield "digest", UNCHANGED, [request(full_digest=intake.signatures.full)] * CHEAP_CALLS


def _cost(
    platform: Platform,
    services: Services,
    requests: list[pb.IngestRequest],
    expected: verdict_pb2.VerdictKind.ValueType,
) -> float:
    """Milliseconds of the servers' CPU for each of `requests`: the least of `ROUNDS` rounds.

    The least, because other work on the machine only ever adds to it.
    """
    size = len(requests) // (ROUNDS + 1)
    rounds = [requests[at : at + size] for at in range(0, size * (ROUNDS + 1), size)]
    _ingest(services, rounds[0], expected)
    pids = group(platform.process.pid)
    costs = []
    for requests_of_round in rounds[1:]:
        started = cpu_seconds_of(pids)
        _ingest(services, requests_of_round, expected)
        costs.append((cpu_seconds_of(pids) - started) / size * 1_000)
    return min(costs)


def _ingest(
    services: Services,
    requests: list[pb.IngestRequest],
    expected: verdict_pb2.VerdictKind.ValueType,
) -> None:
    for request in requests:
        answer = services.capture.Ingest(request)
        if answer.verdict.kind != expected:
            raise AssertionError(f"the verdict is {answer.verdict.explanation}")


def _memory(report: Report, platform: Platform, services: Services, captures: int) -> None:
    """Resident memory after many captures: three of four unchanged, one changed."""
    _learn(services, "soak", 1_000)
    pids = group(platform.process.pid)

    def ingest(run: int) -> pb.IngestRequest:
        edits = EDITS if run % 4 == 0 else 0.0
        return pb.IngestRequest(native=_native(1_000, run, edits), check=True, screen_hint="soak")

    sizes = [
        _after(services, ingest, pids, range(k * captures // 4, (k + 1) * captures // 4))
        for k in range(4)
    ]
    report.emit("pipeline/standalone/memory", sizes[-1] / 1e6, "MB", MAX_MEGABYTES)
    growth = (sizes[-1] - sizes[1]) / sizes[1] * 100
    report.emit("pipeline/standalone/memory_growth_second_half", growth, "%", 5.0)


def _after(
    services: Services, ingest: Callable[[int], pb.IngestRequest], pids: list[int], runs: range
) -> int:
    for run in runs:
        services.capture.Ingest(ingest(run + 1))
    progress(f"{runs.stop} captures: {memory_bytes(pids) / 1e6:.1f} MB")
    return memory_bytes(pids)


if __name__ == "__main__":
    sys.exit(main())
