"""The metrics of a supervisor and its workers: what prometheus_client adds up, and the rest.

With several processes the library's own metrics of the process are missing: they come from a
collector, and only counted values are shared. Here they are, of every worker and of the supervisor,
told apart by the label `worker`, so that a worker that is started again is a counter that starts
again, and one that leaks is seen by itself.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from systemzero_base.telemetry import exemplars
from systemzero_runtime.interceptors.telemetry import EXEMPLARS
from systemzero_runtime.operations.readiness import READY

SUPERVISOR: Final = "supervisor"
WORKERS: Final = "systemzero_workers"
RESTARTS: Final = "systemzero_worker_restarts"


class Workers(Collector):
    """The processes, as the system sees them."""

    def __init__(self, pids: Callable[[], Mapping[str, int]], restarts: Callable[[], int]) -> None:
        """`pids` are the living ones by the label's value, `restarts` how many workers ended."""
        self._pids = pids
        self._restarts = restarts

    def describe(self) -> Iterable[Metric]:
        """Nothing: the names are known when it is asked."""
        return []

    def collect(self) -> Iterable[Metric]:
        """One family of each name, with a sample for each process."""
        pids = self._pids()
        serving = len(pids) - (SUPERVISOR in pids)
        yield GaugeMetricFamily(WORKERS, "Worker processes that are there.", serving)
        yield CounterMetricFamily(RESTARTS, "Workers that ended unasked.", self._restarts())
        families: dict[str, Metric] = {}
        for worker, pid in pids.items():
            for found in ProcessCollector(pid=partial(int, pid), registry=None).collect():
                family = families.setdefault(
                    found.name, Metric(found.name, found.documentation, found.type)
                )
                for sample in found.samples:
                    family.add_sample(sample.name, {"worker": worker}, sample.value)
        yield from families.values()


def registry_of(workers: Workers) -> CollectorRegistry:
    """What a supervisor's page shows: all workers' metrics, and those of the processes."""
    registry = CollectorRegistry()
    registry.register(
        exemplars.ExemplarCollector(EXEMPLARS, Path(os.environ[exemplars.METRICS_FOLDER]))
    )
    registry.register(workers)
    return registry


def failing_in_all(registry: CollectorRegistry) -> dict[str, str]:
    """The conditions of readiness that hold in no worker, as the workers told by their metrics."""
    failing = {}
    for metric in registry.collect():
        if metric.name == READY._name:  # noqa: SLF001 - there is no other way to its name
            for sample in metric.samples:
                if not sample.value:
                    failing[sample.labels["condition"]] = "does not hold in any worker"
    return failing
