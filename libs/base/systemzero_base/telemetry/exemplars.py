"""Exemplars of several workers: prometheus_client keeps those of one process alone.

Each worker keeps the newest exemplar of each bucket and writes them, once a second, to a file
beside the metrics that the library shares; the supervisor's page has the newest of all.
"""

from __future__ import annotations

import os
import time
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from prometheus_client import multiprocess
from prometheus_client.core import Exemplar, Metric
from prometheus_client.utils import floatToGoString

METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"
"""The variable by which prometheus_client is told where workers keep their metrics."""
_PATTERN: Final = "exemplars_*.json"

Labels = tuple[tuple[str, str], ...]


class BucketExemplar(NamedTuple):
    """The newest exemplar of one bucket: a trace, what was observed, and when (since 1970)."""

    series: Labels
    bucket: str
    trace_id: str
    value: float
    time: float


class Exemplars:
    """The newest exemplars of one histogram in this process."""

    def __init__(self, histogram: str, buckets: Sequence[float]) -> None:
        """`histogram` is its name, `buckets` are its upper bounds, the infinite one last."""
        self.histogram = histogram
        self._bounds = tuple(buckets)
        self._names = tuple(map(floatToGoString, self._bounds))
        self._kept: dict[tuple[Labels, str], BucketExemplar] = {}
        self._written = 0
        self._count = 0

    def keep(self, series: Labels, value: float, trace_id: str) -> None:
        """Keep what leads to a trace; `series` are the labels of what `value` was observed of."""
        bucket = self._names[bisect_left(self._bounds, value)]
        self._kept[series, bucket] = BucketExemplar(series, bucket, trace_id, value, time.time())
        self._count += 1

    def write(self) -> None:
        """Give them to the supervisor, if there is one and there are new ones."""
        folder = os.environ.get(METRICS_FOLDER)
        if folder is None or self._written == self._count:
            return
        self._written = self._count
        file = Path(folder, _PATTERN.replace("*", str(os.getpid())))
        new = file.with_suffix(".new")
        new.write_bytes(msgspec.json.encode(list(self._kept.values())))
        new.replace(file)  # whole or not at all, whoever reads meanwhile


class ExemplarCollector(multiprocess.MultiProcessCollector):
    """What the library collects of all workers, with exemplars."""

    def __init__(self, exemplars: Exemplars, folder: Path) -> None:
        super().__init__(None, str(folder))  # type: ignore[no-untyped-call]
        self._histogram = exemplars.histogram
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        """Every metric; see the base."""
        for metric in super().collect():  # type: ignore[no-untyped-call]
            if metric.name == self._histogram:
                self._lead(metric)
            yield metric

    def _lead(self, metric: Metric) -> None:
        newest = _newest(self._folder)
        for number, sample in enumerate(metric.samples):
            bucket = sample.labels.get("le", "")
            series = tuple(sorted(i for i in sample.labels.items() if i[0] != "le"))
            if kept := newest.get((series, bucket)):
                exemplar = Exemplar({"trace_id": kept.trace_id}, kept.value, kept.time)
                metric.samples[number] = sample._replace(exemplar=exemplar)


def _newest(folder: Path) -> dict[tuple[Labels, str], BucketExemplar]:
    newest: dict[tuple[Labels, str], BucketExemplar] = {}
    for file in folder.glob(_PATTERN):
        with suppress(FileNotFoundError, msgspec.DecodeError):
            for kept in msgspec.json.decode(file.read_bytes(), type=list[BucketExemplar]):
                key = kept.series, kept.bucket
                if key not in newest or newest[key].time < kept.time:
                    newest[key] = kept
    return newest
