"""`python -m benchmarks.accuracy DIR…`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import benchmarks.accuracy as accuracy
from benchmarks._corpus import Corpus
from benchmarks._report import Report, progress
from benchmarks.accuracy.evaluation import Evaluation
from benchmarks.accuracy.tally import Tally
from tests.support.captures import CAPTURES


def main() -> int:
    parser = argparse.ArgumentParser(description=(accuracy.__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", help="each a corpus")
    parser.add_argument("--json", action="store_true", help="the one format there is; accepted")
    parser.add_argument("--misses", type=Path, help="write every miss here, not to stderr")
    args = parser.parse_args()
    report = Report()
    tally = Tally()
    for folder in args.folders or [CAPTURES]:
        progress(f"{folder}:")
        Evaluation(Corpus(folder), tally).run()
    tally.emit(report)
    lines = "".join("\t".join(miss) + "\n" for miss in tally.misses)
    if args.misses:
        args.misses.write_text(lines, encoding="utf-8")
    else:
        progress(lines.rstrip())
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
