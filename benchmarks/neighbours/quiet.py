"""A tenant that does what tenants do, at a steady pace: what it waits, and what fails.

Calls are due at fixed times whatever became of those before, and latency counts from the moment at
which a call was due: a server that stands still for a second is late for all calls of that second.

`quiet.py TARGET SECONDS` is a process of its own, with which no other work of the benchmark
interferes. With the key in the first line of standard input it says `ready`, begins at the next
line, and ends with what it noticed, as JSON.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import grpc

from benchmarks.neighbours.machines import go_first
from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.tree.v1 import tree_pb2
from tests.support import heavy

PATIENCE = 10.0
"""Seconds after which a call has failed."""
_SIZES = {"small": 21, "medium": 1_500}
_RUNS = itertools.count()
_INGEST = "/systemzero.capture.v1.CaptureService/Ingest"
_STATUS = "/systemzero.gateway.v1.StatusService/GetStatus"
_EVENTS = "/systemzero.diff.v1.DriftService/ListEvents"


class Kind(NamedTuple):
    """A kind of call: every how many seconds, which method, what it sends, which verdict."""

    pause: float
    path: str
    body: Callable[[], bytes]
    judged: bool = False


def _capture(size: str) -> bytes:
    tree = heavy.page(_SIZES[size], f"{os.getpid()} {next(_RUNS)}")  # none that was seen before
    request = capture_pb.IngestRequest(tree=tree, check=True, screen_hint=size, app="quiet")
    return request.SerializeToString()


KINDS = {
    "small": Kind(0.05, _INGEST, lambda: _capture("small"), judged=True),
    "medium": Kind(0.4, _INGEST, lambda: _capture("medium"), judged=True),
    "status": Kind(0.2, _STATUS, lambda: b""),
    "events": Kind(
        0.4, _EVENTS, lambda: drift_pb.ListEventsRequest(page_size=10).SerializeToString()
    ),
}
"""Small captures that have drifted, some of 1,500 nodes, whether all is well, the last events."""


class Noticed:
    """Latencies in milliseconds by kind of call, how many calls failed and with what, sizes."""

    def __init__(self) -> None:
        self.latencies: dict[str, list[float]] = {name: [] for name in KINDS}
        self.failures: Counter[str] = Counter()
        self.largest = 0

    def take_in(self, other: Noticed) -> None:
        """Have what `other` noticed, too."""
        for name, latencies in other.latencies.items():
            self.latencies[name] += latencies
        self.failures += other.failures
        self.largest = max(self.largest, other.largest)

    def written(self) -> str:
        """As JSON."""
        return json.dumps([self.latencies, self.failures, self.largest])

    @classmethod
    def read(cls, written: str) -> Noticed:
        """What was written."""
        noticed = cls()
        noticed.latencies, failures, noticed.largest = json.loads(written)
        noticed.failures = Counter(failures)
        return noticed

    def percentile(self, kind: str, share: float) -> float:
        """The latency of `kind` that `share` of the calls did not exceed."""
        found = sorted(self.latencies[kind])
        return found[min(int(len(found) * share), len(found) - 1)]


def learn(services: Any) -> None:
    """Make the templates of the quiet tenant's screens."""
    for name, nodes in _SIZES.items():
        source = tree_pb2.TreeSource(tree=heavy.page(nodes, "learnt"))
        services.template.LearnTemplate(
            template_pb.LearnTemplateRequest(screen_id=name, captures=[source])
        )


class QuietTenant:
    """The tenant's process, ready to begin."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def live(self) -> Noticed:
        """Make the calls; what was noticed.

        Raises:
            ValueError: the process failed.
        """
        told, _ = self._process.communicate("go\n")
        return Noticed.read(told)


@contextmanager
def quiet_tenant(target: str, key: str, seconds: float) -> Iterator[QuietTenant]:
    """The tenant, to live for so long; it is killed where it has not ended by itself."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.neighbours.quiet", target, str(seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{key}\n")
            process.stdin.flush()
            assert process.stdout.readline().strip() == "ready"
            yield QuietTenant(process)
        finally:
            process.kill()


def live(target: str, key: str, seconds: float) -> Noticed:
    """Make the quiet tenant's calls for so long."""
    with quiet_tenant(target, key, seconds) as tenant:
        return tenant.live()


def main(target: str, seconds: float) -> None:
    """Make the calls, and tell what was noticed."""
    go_first()
    key = sys.stdin.readline().strip()
    print(asyncio.run(_live(target, key, seconds)).written())


async def _live(target: str, key: str, seconds: float) -> Noticed:
    noticed = Noticed()
    options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)]
    async with grpc.aio.insecure_channel(target, options=options) as channel:
        await channel.channel_ready()
        print("ready", flush=True)
        sys.stdin.readline()  # nothing else is under way yet
        start = time.monotonic()
        metadata = (("authorization", f"Bearer {key}"),)
        async with asyncio.TaskGroup() as calls:
            for due, name in _due(seconds):
                await asyncio.sleep(start + due - time.monotonic())
                calls.create_task(_call(channel, name, metadata, start + due, noticed))
    return noticed


def _due(seconds: float) -> list[tuple[float, str]]:
    """When which kind is due, in order."""

    def of(name: str, pause: float) -> Iterator[tuple[float, str]]:
        return ((number * pause, name) for number in range(int(seconds / pause)))

    return sorted(itertools.chain(*(of(name, kind.pause) for name, kind in KINDS.items())))


async def _call(
    channel: grpc.aio.Channel, name: str, metadata: Any, due: float, noticed: Noticed
) -> None:
    kind = KINDS[name]
    method: Any = channel.unary_unary(kind.path, None, None)
    try:
        answer = await method(kind.body(), metadata=metadata, timeout=PATIENCE)
    except grpc.aio.AioRpcError as error:
        noticed.failures[f"{name} {error.code().name}"] += 1
    else:
        noticed.largest = max(noticed.largest, len(answer))
        if kind.judged and _verdict(answer) != verdict_pb2.VERDICT_KIND_DRIFT:
            noticed.failures[f"{name} wrong verdict"] += 1
    noticed.latencies[name].append((time.monotonic() - due) * 1e3)


def _verdict(answer: bytes) -> verdict_pb2.VerdictKind.ValueType:
    return capture_pb.IngestResponse.FromString(answer).verdict.kind


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
