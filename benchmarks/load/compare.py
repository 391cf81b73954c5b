"""Whether a call costs more than it did.

    python -m benchmarks.load.compare [--save] [--kind standalone|split] [--runs N] [--rounds N]

`--save` measures and writes `benchmarks/baseline/KIND.json`; without it, what is measured is held
against that, and status 1 says that some kind of call has become dearer. What is compared are
ratios to a bare hop measured in the same round, since those travel between machines. A kind is
dearer if its median exceeds the baseline's by more than `ERRORS` standard errors of the difference
(see `noise`) and by more than the share `FLOOR`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks._report import Report, progress
from benchmarks.load import machine
from benchmarks.load.cost import ROUNDS, RUNS, Rounds, measure, ratios
from benchmarks.load.noise import Spread, beyond_noise
from tests.support.platform import KINDS

BASELINE = Path(__file__).parents[1] / "baseline"
ERRORS, FLOOR = 4.0, 0.15


class Compared(NamedTuple):
    """One kind of call, before and now, in hops."""

    name: str
    before: Spread
    after: Spread

    @property
    def is_dearer(self) -> bool:
        """Whether the difference is a regression."""
        return beyond_noise(self.before, self.after, FLOOR, ERRORS)


def main() -> int:
    """Save, or compare; 1 for a regression."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--save", action="store_true", help="make this the baseline")
    parser.add_argument("--kind", choices=KINDS, default="standalone")
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    path = BASELINE / f"{arguments.kind}.json"
    before = None if arguments.save else json.loads(path.read_text())
    measured = measure(arguments.kind, arguments.runs, arguments.rounds)
    if before is None:
        path.parent.mkdir(exist_ok=True)
        path.write_text(saved(arguments.kind, measured))
        return 0
    progress(f"the baseline is of {before['machine']}")
    report = Report()
    for each in compared(before["hops"], ratios(measured)):
        change = (each.after.median / each.before.median - 1) * 100
        name = f"load.compare/{arguments.kind}/{each.name}"
        report.emit(name, change, "% dearer", FLOOR * 100, not each.is_dearer)
    return report.status()


def compared(before: Rounds, after: Rounds) -> Iterator[Compared]:
    """Every kind of call that both have.

    Raises:
        ValueError: a kind of the baseline is not measured any more: save it anew.
    """
    gone = before.keys() - after.keys()
    if gone:
        raise ValueError(f"the baseline has kinds of calls that there are no more: {sorted(gone)}")
    for name in before:
        yield Compared(name, Spread.of(before[name]), Spread.of(after[name]))


def saved(kind: str, rounds: Rounds) -> str:
    """The baseline's file: milliseconds for people, hops for the comparison."""
    cost = {name: round(Spread.of(them).median, 3) for name, them in rounds.items()}
    hops = {name: [round(each, 3) for each in them] for name, them in ratios(rounds).items()}
    lines = {"kind": kind, "machine": machine.facts(), "cpu_ms": cost, "hops": hops}
    return json.dumps(lines, indent=1) + "\n"


if __name__ == "__main__":
    sys.exit(main())
