"""What it costs to normalise, sign and assess a capture: `python -m benchmarks.normalize --json`.

Per 1,000 nodes of the parsed tree, on synthesised CDP captures; CPU time of this process.
"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks._report import Report, cpu_seconds, progress
from benchmarks._trees import cdp_capture
from systemzero_core.completeness import assess
from systemzero_core.formats import parse
from systemzero_core.normalize import explain, normalize
from systemzero_core.signature import sign

NORMALIZE_MS = 3.0
SIGN_MS = 2.5


def main() -> int:
    """Measure each step over three sizes, and the growth between them.

    The growth has no ask of its own: the ask is on the whole way of a capture.
    """
    report = Report()
    whole: dict[int, float] = {}
    for nodes in (100, 1_000, 10_000):
        progress(f"normalize: {nodes} CDP nodes")
        made = cdp_capture(nodes, run=1)
        parsed = parse(made.ax, dom=made.dom)
        raw, normal = parsed.tree, normalize(parsed.tree)
        repeats = max(5, 20_000 // nodes)
        steps = {
            "assess": cpu_seconds(partial(assess, raw, parsed.gaps), repeats),
            "normalize": cpu_seconds(partial(normalize, raw), repeats),
            "sign": cpu_seconds(partial(sign, normal), repeats),
            "explain": cpu_seconds(partial(explain, raw), repeats),
        }
        whole[nodes] = steps["assess"] + steps["normalize"] + steps["sign"]
        report.emit(f"normalize.nodes_kept/{nodes}", len(normal), "nodes")
        for step, seconds in steps.items():
            ask = {"normalize": NORMALIZE_MS, "sign": SIGN_MS}.get(step) if nodes == 1_000 else None
            report.emit(f"normalize.{step}/{nodes}", seconds * 1e3, "ms of CPU", ask)
    report.emit("normalize.growth/10000", whole[10_000] / whole[1_000], "times")
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
