"""A realistic mix of calls on a platform of real processes, from Locust on the same machine.

    python -m benchmarks.load [--kind standalone|split] [--workers N] [--mix native|edge]
                              [--rate N | --step] [--seconds N] [--out FOLDER] [--save]

Writes `NAME.json` (every step: latencies, errors, CPU and memory of the server, CPU of the
generator) and `NAME.html` (Locust's own report) and prints one JSON line a figure; status 1 where
an ask does not hold. `--save` puts the JSON into `benchmarks/baseline`, too, for the documents.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks._processes import cpu_seconds_of, memory_bytes
from benchmarks._report import Report, progress
from benchmarks.load import machine
from benchmarks.load.compare import BASELINE
from benchmarks.load.install import HOME, ROOT, locust
from benchmarks.load.mix import MIXES, save
from benchmarks.load.plan import Plan
from benchmarks.load.world import World, world
from tests.support.platform import KINDS

RATE, SECONDS = 1_000, 30
STEP_RATES = (100, 200, 400, 600, 800, 1_000, 1_200, 1_500, 2_000)
STEP_SECONDS = 10
IDLE_SECONDS = 20
SUSTAINED = 0.95
"""A step whose rate is at least this share of what was asked was sustained."""
P95_MS, ERRORS, MEGABYTES, IDLE_PERCENT = 50.0, 0.001, 500.0, 2.0


def main() -> int:
    """Measure, write the reports; 1 where an ask does not hold."""
    arguments = _arguments()
    rates = list(STEP_RATES) if arguments.step else [arguments.rate]
    seconds = arguments.seconds or (STEP_SECONDS if arguments.step else SECONDS)
    program = locust()
    arguments.out.mkdir(parents=True, exist_ok=True)
    report = Report()
    with world(arguments.kind, arguments.workers) as here:
        name = "_".join(("step" if arguments.step else "mix", here.name, arguments.mix))
        idle = _idle(here)
        steps = _run(program, here, arguments.mix, rates, seconds, arguments.out / name)
    result = {
        "kind": here.name,
        "mix": arguments.mix,
        "shares": MIXES[arguments.mix],
        "machine": machine.facts(),
        "idle": idle,
        "steps": steps,
    }
    for folder in (arguments.out, *([BASELINE] if arguments.save else [])):
        (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    _emit(report, f"load/{here.name}/{arguments.mix}", idle, steps)
    return report.status()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=KINDS, default="standalone")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--mix", choices=MIXES, default="native")
    parser.add_argument("--rate", type=float, default=RATE, help="calls a second")
    parser.add_argument("--step", action="store_true", help="one rate after the other")
    parser.add_argument("--seconds", type=float, help="how long each rate is measured")
    parser.add_argument("--out", type=Path, default=HOME / "reports")
    parser.add_argument("--save", action="store_true", help="for the documents")
    return parser.parse_args()


def _idle(here: World) -> dict[str, float]:
    """What the platform takes while nobody calls."""
    progress(f"idle for {IDLE_SECONDS} seconds")
    start = cpu_seconds_of(here.pids())
    time.sleep(IDLE_SECONDS)
    used = cpu_seconds_of(here.pids()) - start
    return {
        "cpu_percent": round(used / IDLE_SECONDS * 100, 2),
        "memory_mb": round(memory_bytes(here.pids()) / 1e6, 1),
    }


def _run(
    program: Path, here: World, mix: str, rates: list[float], seconds: float, base: Path
) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        prepared, plan, out = (Path(folder) / name for name in ("prepared", "plan", "out"))
        save(here.prepared, prepared)
        shares = dict(MIXES[mix])
        Plan(
            here.target,
            here.key,
            here.pids(),
            str(prepared),
            shares,
            rates,
            seconds,
            str(out),
            sys.executable,
        ).write(plan)
        command = [str(program), "-f", "benchmarks/load/users.py", "--headless", "--only-summary"]
        command += ["--html", str(base.with_suffix(".html")), "--exit-code-on-error", "0"]
        environ = {**os.environ, "LOAD_PLAN": str(plan), "PYTHONPATH": f"{ROOT}:{ROOT}/protos/gen"}
        progress(f"{base.name}: {', '.join(f'{rate:g}' for rate in rates)} calls a second")
        subprocess.run(command, cwd=ROOT, env=environ, check=True, stdout=sys.stderr)
        steps: list[dict[str, Any]] = json.loads(out.read_text())
        return steps


def _emit(report: Report, name: str, idle: dict[str, float], steps: list[dict[str, Any]]) -> None:
    report.emit(f"{name}/idle_cpu", idle["cpu_percent"], "% of a core", IDLE_PERCENT)
    report.emit(f"{name}/memory", max(s["server_memory_mb"] for s in steps), "MB", MEGABYTES)
    for step in steps:
        own = f"{name}/{step['asked_rate']:g}"
        # what a step test goes up to is more than is asked for
        asked = len(steps) == 1
        holds = step["rate"] >= SUSTAINED * step["asked_rate"] if asked else None
        rate_asked = step["asked_rate"] if asked else None
        report.emit(f"{own}/rate", step["rate"], "calls/s", rate_asked, holds)
        p95 = step["latency_ms"]["p95"]
        report.emit(f"{own}/p95", p95, "ms", P95_MS if asked else None)
        report.emit(f"{own}/errors", step["error_rate"], "share", ERRORS)
        report.emit(f"{own}/server_cpu", step["server_cpu_ms_a_call"], "ms of CPU a call")
        report.emit(f"{own}/server_cores", step["server_cpu_cores"], "cores")
        report.emit(f"{own}/generator_cores", step["generator_cpu_cores"], "cores")


if __name__ == "__main__":
    sys.exit(main())
