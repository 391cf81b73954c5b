"""Every metric that there is: read from the registry of a process that has all services loaded."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from prometheus_client import REGISTRY

import systemzero_capture.app
import systemzero_diff.app
import systemzero_gateway.app
import systemzero_runtime.running.backend
from systemzero_runtime.running import supervised

_ = (
    systemzero_capture.app,
    systemzero_runtime.running.backend,
    systemzero_diff.app,
    systemzero_gateway.app,
)


class Declared(NamedTuple):
    """One metric: its name in the page, its kind, its labels, and what it says."""

    name: str
    kind: str
    labels: tuple[str, ...]
    text: str

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series."""
        if self.kind == "histogram":
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


def declared() -> list[Declared]:
    """Our own metrics, by name."""
    found = [_declared(each) for each in set(REGISTRY._collector_to_names)]  # noqa: SLF001
    workers = supervised.Workers(dict, int).collect()
    own = [each for each in found if each and each.name.startswith(("rpc_", "systemzero_"))]
    own += [Declared(_name(m.name, m.type), m.type, (), m.documentation) for m in workers]
    return sorted(own)


def process_metrics() -> list[Declared]:
    """Those of the process, which the library collects."""
    # of this one, since of another's what can't be read is left out
    pids = {supervised.SUPERVISOR: os.getpid()}
    families = supervised.Workers(lambda: pids, int).collect()
    return sorted(
        Declared(_name(m.name, m.type), m.type, ("worker",), m.documentation)
        for m in families
        if m.name.startswith("process_")
    )


def _declared(collector: Any) -> Declared | None:
    name = getattr(collector, "_name", "")
    if not name:
        return None
    kind = collector._type  # noqa: SLF001
    labels = tuple(collector._labelnames)  # noqa: SLF001
    return Declared(_name(name, kind), kind, labels, collector._documentation)  # noqa: SLF001


def _name(name: str, kind: str) -> str:
    return f"{name}_total" if kind == "counter" else name
