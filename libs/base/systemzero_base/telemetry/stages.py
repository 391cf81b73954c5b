"""Stages of a service's work: each has a duration metric and a child span of its call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Histogram

from systemzero_base.telemetry.observed import ChildSpan

SMALL_BYTES: Final = 65_536
"""Own tree JSON of fewer bytes takes a few milliseconds, no more than any thread may keep the
interpreter from the event loop (`sys.getswitchinterval`), and a thread costs more besides. With
nothing but the shortest nodes there are, it takes some 10 ms."""


class Stage:
    """One stage, by its `name`; a histogram with the label `stage` takes its durations."""

    def __init__(self, histogram: Histogram, name: str) -> None:
        self._name = name
        self._histogram = histogram.labels(name)

    @contextmanager
    def time(self) -> Iterator[None]:
        """The stage is what is done meanwhile."""
        below, error = ChildSpan(self._name, "INTERNAL"), ""
        try:
            yield
        except BaseException as raised:
            error = type(raised).__name__
            raise
        finally:
            self._histogram.observe(below.seconds)
            below.end({}, error)

    def took(self, seconds: float) -> None:
        """It was done elsewhere, and took so long."""
        self._histogram.observe(seconds)
