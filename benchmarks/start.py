"""What a start of `sz` costs, as whole processes, beside the interpreter's own.

    python -m benchmarks.start --json [--python PYTHON]

Each command runs ten times, in turn with `python -c pass`, so that a busy machine slows both. The
CPU time of a process counts, user and system together: time spent waiting for other processes is
not the command's. Modules are compiled before, as they are where `sz` is installed. Asks are ratios
of medians; on a machine whose `python -c pass` takes 0.01 s they are hundredths of a second.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks._report import Report, progress
from tests.support.captures import CAPTURES

ROUNDS = 10
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
_BYTECODE = Path(__file__).parents[1] / "build" / "bytecode"
_APP = CAPTURES / "parcel-console"
_BEFORE, _AFTER = _APP / "4.15.5__1-console.ax.json.gz", _APP / "5.31.0__1-console.ax.json.gz"
COMMANDS = {
    "help": (("--help",), 12.0),
    "diff_300": (("diff", str(_BEFORE), str(_AFTER)), 30.0),
    "capture_help": (("capture", "--help"), None),
}
"""Arguments of `sz`, and how many times `python -c pass` they may take."""


def measure(report: Report, interpreter: Path) -> None:
    """Print what each command takes, in seconds and beside a process that does nothing."""
    python, sz = str(interpreter), [str(interpreter), "-m", "systemzero_client"]
    nothing: list[float] = []
    took: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for arguments, _ in COMMANDS.values():
        _cpu([*sz, *arguments])  # the first run compiles
    for number in range(ROUNDS):
        progress(f"round {number + 1} of {ROUNDS}")
        nothing.append(_cpu([python, "-c", "pass"]))
        for name, (arguments, _) in COMMANDS.items():
            took[name].append(_cpu([*sz, *arguments]))
    report.emit("start.nothing", median(nothing), "s")
    for name, (_, ask) in COMMANDS.items():
        report.emit(f"start.{name}", median(took[name]), "s")
        report.emit(f"start.{name}/nothing", median(took[name]) / median(nothing), "ratio", ask)


def _cpu(command: Sequence[str]) -> float:
    """Seconds of CPU, user and system, that one process took."""
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, env=_environment(), stdout=null, stderr=null)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise RuntimeError(f"{' '.join(command)} ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def _environment() -> dict[str, str]:
    """This one's, with bytecode kept, and out of the way."""
    kept = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
    return {"PYTHONPYCACHEPREFIX": str(_BYTECODE)} | kept


def main() -> int:
    """Measure; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="as every benchmark: it always does")
    parser.add_argument(
        "--python",
        type=Path,
        default=Path(sys.executable),
        help="another interpreter that has the packages",
    )
    report = Report()
    measure(report, parser.parse_args().python)
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
