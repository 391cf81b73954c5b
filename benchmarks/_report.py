"""What every benchmark shares: one JSON object a line on stdout, progress on stderr.

A line is `{"name", "value", "unit", "ask", "holds"}`; `ask` and `holds` are null for a figure that
is only told. A benchmark ends with `sys.exit(report.status())`: 1 where an ask does not hold.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable


class Report:
    """Prints figures as they are measured and remembers which asks did not hold."""

    def __init__(self) -> None:
        self.failures: list[str] = []

    def emit(
        self,
        name: str,
        value: float,
        unit: str,
        ask: float | None = None,
        holds: bool | None = None,
    ) -> None:
        """Print one figure; without `holds`, an `ask` is an upper bound on `value`."""
        if holds is None and ask is not None:
            holds = value <= ask
        line = {"name": name, "value": round(value, 4), "unit": unit, "ask": ask, "holds": holds}
        print(json.dumps(line), flush=True)
        if holds is False:
            self.failures.append(name)

    def status(self) -> int:
        """The exit status: 1 where an ask did not hold, else 0."""
        for name in self.failures:
            progress(f"does not hold: {name}")
        return 1 if self.failures else 0


def progress(text: str) -> None:
    """Tell a person what is going on."""
    print(text, file=sys.stderr, flush=True)


def cpu_seconds(fn: Callable[[], object], repeats: int = 5) -> float:
    """Least CPU time of this process, in seconds, that `fn` took in `repeats` runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.process_time()
        fn()
        best = min(best, time.process_time() - start)
    return best
