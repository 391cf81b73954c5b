"""What reading a capture costs: `python -m benchmarks.parse --json`.

Measured is CPU time, best of several runs. The cost per node must not grow with the size: linear is
what a tree of 100,000 nodes is against one of 10,000 (at most 1.5 times as much a node). One of
1,000 fits the processor's caches and the others do not, hence a factor of 2 between those.
"""

from __future__ import annotations

import sys

from benchmarks._report import Report, cpu_seconds, progress
from benchmarks._trees import cdp_capture
from systemzero_core.formats import own, parse

ASK_MS = 6.0
GROWTH = ((1_000, 10_000, 2.0), (10_000, 100_000, 1.5))
_NO_LIMIT = 10**9


def measure(report: Report, size: int, ask: float | None) -> float:
    """Read a CDP capture of `size` nodes, alone and with DOM data; return seconds a node, alone."""
    progress(f"a capture of {size} nodes")
    made = cdp_capture(size, run=1)
    repeats = max(5, 50_000 // size)
    alone = cpu_seconds(lambda: parse(made.ax, max_bytes=_NO_LIMIT), repeats)
    report.emit(f"parse_cdp_{size}", alone * 1e3, "ms", ask)
    whole = cpu_seconds(lambda: parse(made.ax, dom=made.dom, max_bytes=_NO_LIMIT), repeats)
    report.emit(f"parse_cdp_dom_{size}", whole * 1e3, "ms", ask)
    tree = parse(made.ax, dom=made.dom, max_bytes=_NO_LIMIT).tree
    stored = own.encode(tree)
    report.emit(f"own_encode_{size}", cpu_seconds(lambda: own.encode(tree)) * 1e3, "ms")
    report.emit(f"own_decode_{size}", cpu_seconds(lambda: own.decode(stored)) * 1e3, "ms")
    return alone / size


def main() -> int:
    """Run all; `--json` is taken for the likeness of all benchmarks, the output is JSON anyway."""
    report = Report()
    sizes = sorted({size for small, large, _ in GROWTH for size in (small, large)})
    cost = {size: measure(report, size, ASK_MS if size == sizes[0] else None) for size in sizes}
    for small, large, ask in GROWTH:
        report.emit(f"parse_growth_{small}_to_{large}", cost[large] / cost[small], "ratio", ask)
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
