"""Locust's users: `locust -f benchmarks/load/users.py`, with the plan's path in `LOAD_PLAN`.

Each user makes calls of the mix at a steady pace, so that a step's rate is its number of users. Of
every call the gRPC status counts; every `CHECKED`th answer is read, and its verdict held against
what it must be. Beside the latencies stand the CPU time and memory of the server's processes, and
the CPU time of this one, which makes the load.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from pathlib import Path

import grpc.experimental.gevent

grpc.experimental.gevent.init_gevent()

import gevent  # noqa: E402 - after grpc is told
import grpc  # noqa: E402
from locust import LoadTestShape, User, constant_throughput, events, task  # noqa: E402

from benchmarks._processes import cpu_seconds_of, resident_bytes  # noqa: E402
from benchmarks.load.mix import INGEST, calls, load  # noqa: E402
from benchmarks.load.plan import PACE, SETTLE_SECONDS, Plan  # noqa: E402
from systemzero.capture.v1 import capture_service_pb2  # noqa: E402

CHECKED = 10
CHANNELS = 32
TIMEOUT = 30.0

plan = Plan.read(Path(os.environ["LOAD_PLAN"]))
prepared = load(Path(plan.prepared))
stream = calls(prepared, plan.shares, plan.seed)
runs = itertools.count(1)
numbers = itertools.count()


class Window:
    """What happened since the last `begin`."""

    def begin(self, rate: float) -> None:
        self.rate = rate
        self.latencies: dict[str, list[float]] = {}
        self.failures: dict[str, int] = {}
        self.started = time.monotonic()
        self.server = cpu_seconds_of(plan.pids)
        self.own = time.process_time()

    def add(self, kind: str, milliseconds: float, failure: str) -> None:
        if failure:
            self.failures[failure] = self.failures.get(failure, 0) + 1
        self.latencies.setdefault(kind, []).append(milliseconds)

    def end(self) -> dict[str, object]:
        """The step's line of the report."""
        seconds = time.monotonic() - self.started
        everything = sorted(itertools.chain.from_iterable(self.latencies.values()))
        server = cpu_seconds_of(plan.pids) - self.server
        return {
            "asked_rate": self.rate,
            "seconds": round(seconds, 2),
            "calls": len(everything),
            "rate": round(len(everything) / seconds, 1),
            "failures": self.failures,
            "error_rate": sum(self.failures.values()) / max(len(everything), 1),
            "latency_ms": _percentiles(everything),
            "latency_ms_by_kind": {
                kind: _percentiles(sorted(found)) for kind, found in self.latencies.items()
            },
            "server_cpu_cores": round(server / seconds, 3),
            "server_cpu_ms_a_call": round(server * 1e3 / max(len(everything), 1), 3),
            "server_rss_mb": round(resident_bytes(plan.pids) / 1e6, 1),
            "generator_cpu_cores": round((time.process_time() - self.own) / seconds, 3),
        }


def _percentiles(latencies: list[float]) -> dict[str, float]:
    last = len(latencies) - 1
    return {
        name: round(latencies[min(int(len(latencies) * share), last)], 2)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        if latencies
    }


window = Window()
window.begin(0)
done: list[dict[str, object]] = []
channels = [
    grpc.insecure_channel(
        plan.target,
        [("grpc.use_local_subchannel_pool", 1), ("grpc.max_receive_message_length", -1)],
    )
    for _ in range(CHANNELS)
]


class Client(User):
    """One client of the platform."""

    wait_time = constant_throughput(PACE)

    def on_start(self) -> None:
        self.channel = channels[next(numbers) % CHANNELS]
        self.metadata = (("authorization", f"Bearer {plan.key}"),)
        self.methods: dict[str, grpc.UnaryUnaryMultiCallable] = {}
        # users start together: in step, they would call in bursts, each as large as all of them
        gevent.sleep(random.random() / PACE)  # noqa: S311 - no secret

    @task
    def call(self) -> None:
        """One call of the mix."""
        chosen, run = next(stream), next(runs)
        if chosen.method not in self.methods:
            self.methods[chosen.method] = self.channel.unary_unary(chosen.method, None, None)
        body, answer, failure = chosen.filled(run), b"", ""
        started = time.perf_counter()
        try:
            method = self.methods[chosen.method]
            answer = method(body, metadata=self.metadata, timeout=TIMEOUT)
        except grpc.RpcError as error:
            failure = f"{error.code().name}: {error.details()}"
        milliseconds = (time.perf_counter() - started) * 1e3
        if not failure and chosen.verdict and run % CHECKED == 0:
            failure = _wrong(answer, chosen.verdict)
        window.add(chosen.kind, milliseconds, failure)
        self.environment.events.request.fire(
            request_type="ingest" if chosen.method == INGEST else "read",
            name=chosen.kind,
            response_time=milliseconds,
            response_length=len(answer),
            exception=RuntimeError(failure) if failure else None,
            context={},
        )


def _wrong(answer: bytes, verdict: int) -> str:
    found = capture_service_pb2.IngestResponse.FromString(answer).verdict
    if found.kind == verdict:
        return ""
    return f"wrong verdict {found.kind}, not {verdict}: {found.explanation}"


class Steps(LoadTestShape):
    """The plan's steps, one after the other; the first seconds of each do not count."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = -1

    def tick(self) -> tuple[int, float] | None:
        """How many users there are to be now."""
        at, now = 0, self.get_run_time()
        while at < len(plan.rates) and now >= (at + 1) * self._seconds:
            at += 1
        if at > self.begun >= 0 and window.rate:
            done.append(window.end())
            window.rate = 0
        if at >= len(plan.rates):
            return None
        if at > self.begun and now >= at * self._seconds + SETTLE_SECONDS:
            self.begun = at
            window.begin(plan.rates[at])
        users = max(1, round(plan.rates[at] / PACE))
        return users, users

    @property
    def _seconds(self) -> float:
        return plan.seconds + SETTLE_SECONDS


@events.quitting.add_listener
def report(**_ignored: object) -> None:
    """Write what was measured where the plan says."""
    Path(plan.out).write_text(json.dumps(done, indent=1))
