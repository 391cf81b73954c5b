"""What is measured of lanes."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

LANES: Final = Gauge(
    "systemzero_lanes", "Processes for large work that take work.", multiprocess_mode="livesum"
)
WAITING: Final = Gauge(
    "systemzero_lanes_work_waiting", "Large work that waits.", multiprocess_mode="livesum"
)
RUNNING: Final = Gauge(
    "systemzero_lanes_work_running", "Large work under way.", multiprocess_mode="livesum"
)
WAITED: Final = Histogram(
    "systemzero_lanes_wait_seconds",
    "How long large work waited for a process.",
    buckets=(0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
CPU: Final = Counter(
    "systemzero_lanes_cpu_seconds", "Processor time of large work that came to an end by itself."
)
REFUSED: Final = Counter(
    "systemzero_lanes_work_refused",
    "Large work that was refused: too much of its tenant waits (waiting), or it took more than it "
    "may (cpu, memory).",
    ["why"],
)
KILLED: Final = Counter(
    "systemzero_lanes_killed",
    "Processes for large work that ended before their work, by why: its caller was gone (caller), "
    "it took more than it may (cpu, memory), or came to no end (wall), the service was stopped "
    "(stop), or of themselves (died).",
    ["why"],
)
