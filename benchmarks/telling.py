"""In how few lines a drift is told, and that nothing is lost.

    python -m benchmarks.telling DIR… --json

Without DIR, the recorded captures of tests/data; `benchmarks._corpus` says how one is laid out.
Of each `version-drift` pair of complete captures, the template is learnt from the first, the second
is judged by it, and the edits that count are told. It is learnt without guesses: what a policy lets
pass is no line saved. Rows:

- `lines_per_edit`: lines for each edit, the median of the pairs that have edits; of all captures
  and as `NAME/APP`.
- `lines`, `edits`: the medians of both.
- `edits_lost`: edits that are in no line, or in two, of all pairs.
- `longest_sentence`: characters.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks._corpus import Corpus
from benchmarks._report import Report, progress
from systemzero_core.diff import diff
from systemzero_core.drift import judge
from systemzero_core.grouping import tell
from systemzero_core.intake import Intake, take_in
from systemzero_core.template import Template, learn
from tests.support.captures import CAPTURES

_MOST_LINES = 1 / 3


class Told(NamedTuple):
    """One pair of releases, as it is told."""

    app: str
    edits: int
    lines: int
    lost: int
    longest: int


def told(corpus: Corpus) -> Iterator[Told]:
    """Each pair of releases that has a verdict with edits."""
    for pair in corpus.pairs:
        if pair.kind != "version-drift":
            continue
        before, after = _read(corpus, pair.a), _read(corpus, pair.b)
        if before.incompleteness or after.incompleteness:
            continue
        learned = learn([before.tree], guess=False)
        template = Template(
            template_id=pair.a,
            screen_id=pair.a,
            tree=learned.tree,
            required_nodes=learned.required_nodes,
            policy=learned.policy,
        )
        script = diff(learned.tree, after.tree)
        edits = [judged.edit for judged in judge(template, after.tree, script).edits]
        if edits:
            lines = tell(edits).lines
            found = [at for line in lines for at in line.edits]
            lost = len(edits) - len(set(found)) + len(found) - len(set(found))
            longest = max(len(line.sentence) for line in lines)
            yield Told(pair.app, len(edits), len(lines), lost, longest)


def _read(corpus: Corpus, path: str) -> Intake:
    files = corpus.files(path)
    return take_in(files.data, dom=files.dom, frames=files.frames)


def emit(report: Report, found: list[Told]) -> None:
    """Print the rows."""
    apps: dict[str, list[float]] = defaultdict(list)
    for one in found:
        apps[one.app].append(one.lines / one.edits)
    shares = [share for them in apps.values() for share in them]
    report.emit("lines_per_edit", median(shares), "lines", _MOST_LINES)
    for app, them in sorted(apps.items()):
        report.emit(f"lines_per_edit/{app}", median(them), "lines")
    report.emit("lines", median(one.lines for one in found), "lines")
    report.emit("edits", median(one.edits for one in found), "edits")
    report.emit("edits_lost", sum(one.lost for one in found), "edits", 0)
    report.emit("longest_sentence", max(one.longest for one in found), "characters")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", default=[CAPTURES], help="corpora")
    parser.add_argument("--json", action="store_true", help="the one format there is; accepted")
    args = parser.parse_args()
    report = Report()
    found = [one for folder in args.folders for one in told(Corpus(folder))]
    progress(f"{len(found)} pairs told")
    emit(report, found)
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
