"""Locust's users: `locust -f benchmarks/load/users.py`, with the plan's path in `LOAD_PLAN`.

Each user makes calls of the mix at a steady pace, so that a step's rate is its number of users; the
calls themselves are made by `caller.py`. Beside the latencies, which are what a user waits, stand
the CPU time and memory of the server's processes, and the CPU time of those that make the load.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import time
from pathlib import Path

import gevent
from gevent import subprocess
from gevent.event import AsyncResult
from locust import LoadTestShape, User, events, task

from benchmarks._processes import cpu_seconds_of, memory_bytes
from benchmarks.load.mix import INGEST
from benchmarks.load.plan import PACE, SETTLE_SECONDS, Plan

plan_path = os.environ["LOAD_PLAN"]
plan = Plan.read(Path(plan_path))
numbers = itertools.count()


class Calls:
    """What users wait for of the process that makes their calls."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            (plan.python, "-m", "benchmarks.load.caller", plan_path),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.pid = self._process.pid
        self._waiting: dict[int, AsyncResult] = {}
        gevent.spawn(self._read)

    def make(self) -> list[object]:
        """Make the next call of the mix; see `caller` for what is told of it."""
        number = next(numbers)
        self._waiting[number] = told = AsyncResult()
        self._process.stdin.write(b"%d\n" % number)
        self._process.stdin.flush()
        return told.get()

    def _read(self) -> None:
        for line in self._process.stdout:
            told = json.loads(line)
            self._waiting.pop(told[0]).set(told)


class Window:
    """What happened since the last `begin`."""

    def begin(self, rate: float) -> None:
        self.rate = rate
        self.latencies: dict[str, list[float]] = {}
        self.failures: dict[str, int] = {}
        self.started = time.monotonic()
        self.server = cpu_seconds_of(plan.pids)
        self.own = _own_cpu()

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
            "server_memory_mb": round(memory_bytes(plan.pids) / 1e6, 1),
            "generator_cpu_cores": round((_own_cpu() - self.own) / seconds, 3),
        }


def _percentiles(latencies: list[float]) -> dict[str, float]:
    last = len(latencies) - 1
    return {
        name: round(latencies[min(int(len(latencies) * share), last)], 2)
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
        if latencies
    }


def _own_cpu() -> float:
    return cpu_seconds_of([os.getpid(), made.pid])


made = Calls()
window = Window()
window.begin(0)
done: list[dict[str, object]] = []


class Client(User):
    """One client of the platform."""

    def on_start(self) -> None:
        """Begin at a moment of its own.

        Users start together: in step, they would call in bursts, each as large as all of them.
        Locust's `constant_throughput` counts from the start, and would have them in step again.
        """
        pause = random.random() / PACE  # noqa: S311 - no secret
        self._due = time.perf_counter() + pause
        gevent.sleep(pause)

    def wait_time(self) -> float:
        """Seconds until the next call."""
        self._due += 1 / PACE
        return max(0.0, self._due - time.perf_counter())

    @task
    def call(self) -> None:
        """One call of the mix."""
        started = time.perf_counter()
        _, kind, method, size, failure = made.make()
        milliseconds = (time.perf_counter() - started) * 1e3
        window.add(kind, milliseconds, failure)
        self.environment.events.request.fire(
            request_type="ingest" if method == INGEST else "read",
            name=kind,
            response_time=milliseconds,
            response_length=size,
            exception=RuntimeError(failure) if failure else None,
            context={},
        )


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
