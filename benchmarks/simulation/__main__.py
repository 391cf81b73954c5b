"""Sizes for a load: `python -m benchmarks.simulation [--screens-a-minute N]... [--mix MIX]`.

The cost of each call is that of `benchmarks/baseline`, for one core of the machine it was measured
on. Prints one JSON line a load: processes needed by the formula, and what the simulation says of so
many.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.load.cost import AT, SERVICES
from benchmarks.load.mix import MIXES
from benchmarks.simulation.queues import Moments, Service, expected, servers_for, simulated

BASELINE = Path(__file__).parents[1] / "baseline"
LOADS = (100, 10_000, 1_000_000)
UTILISATION = 0.6
"""Busier, and a burst or a lost replica is felt."""
WAIT_SECONDS = 0.02
CALLS = 200_000


def main() -> int:
    """Print the sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--screens-a-minute", type=float, action="append")
    parser.add_argument("--mix", choices=MIXES, action="append")
    parser.add_argument("--kind", default="standalone", help="the baseline: standalone or split")
    arguments = parser.parse_args()
    costs = json.loads((BASELINE / f"{arguments.kind}.json").read_text())["cpu_ms"]
    for mix in arguments.mix or MIXES:
        for screens in arguments.screens_a_minute or LOADS:
            for at in ("",) if arguments.kind == "standalone" else [AT + s for s in SERVICES]:
                line = {"of": arguments.kind + at, "mix": mix, **sized(costs, mix, screens, at)}
                print(json.dumps(line), flush=True)
    return 0


def sized(costs: Mapping[str, float], mix: str, screens: float, at: str = "") -> dict[str, float]:
    """How many processes `screens` a minute need, and how long calls then wait.

    `costs` are milliseconds of CPU by kind of call, `at` says of which service.
    """
    services = [Service(share, costs[kind + at] / 1e3) for kind, share in MIXES[mix].items()]
    moments = Moments.of(services)
    calls_a_screen = sum(each.share for each in services) / 100
    rate = screens / 60 * calls_a_screen
    processes = servers_for(rate, moments, UTILISATION, WAIT_SECONDS)
    formula = expected(processes, rate, moments)
    checked = simulated(processes, rate, services, CALLS, seed=1)
    in_turn = simulated(processes, rate, services, CALLS, seed=1, in_turn=True)
    return {
        "screens_a_minute": screens,
        "calls_a_second": round(rate, 2),
        "mean_ms": round(moments.mean * 1e3, 3),
        "cores_busy": round(rate * moments.mean, 3),
        "processes": processes,
        "wait_p95_ms": round(formula.p95 * 1e3, 2),
        "simulated_wait_p95_ms": round(checked.p95 * 1e3, 2),
        "in_turn_wait_p95_ms": round(in_turn.p95 * 1e3, 2),
        "in_turn_wait_mean_ms": round(in_turn.mean * 1e3, 2),
    }


if __name__ == "__main__":
    sys.exit(main())
