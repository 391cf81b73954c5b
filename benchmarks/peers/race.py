"""The diff beside its peers, in one run: time, memory, quality on ground truth and on real pairs.

    python -m benchmarks.peers --json [--corpus DIR] [--quick] [--limit SECONDS]

Every tool gets the same trees (role, name and value, in memory) in a process of its own; one that
needs longer than the limit is not asked for larger trees. `python -m benchmarks.diff --peers` does
the same after its own figures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks._groundtruth import MIXES, Truth, ground_truth
from benchmarks._plaintrees import PAIRS, load_plain
from benchmarks._report import Report, progress
from benchmarks.peers.install import HOME, commands
from benchmarks.peers.quoted import GUMTREE_SIMPLE, GUMTREE_SIMPLE_MS
from benchmarks.peers.replay import Outcome, outcome
from systemzero_core.tree import Node, Tree

OURS = "systemzero"
REPORTS_MOVES = ("jsonpatch", "xmldiff", "xmldiff_fast")
"""The Python peers that the diff is asked to outrun."""

SPEEDUPS = {1_000: 10.0, 10_000: 15.0}
SEEDS = {100: 3, 300: 3, 1_000: 3, 3_000: 1, 10_000: 1}
SLOW_MS = 5_000.0
"""A tool slower than this is asked for one seed of a size alone."""

QUALITY = ("mapping_precision", "mapping_recall", "edit_precision", "edit_recall", "operations")


class Answer(NamedTuple):
    """What a tool said of one pair, and what that cost."""

    cpu_ms: float
    peak_mb: float
    operations: int
    outcome: Outcome | None


class Field:
    """The tools still in the race, and the folder their inputs are in."""

    def __init__(self, folder: Path, limit: float) -> None:
        self.folder = folder
        self.limit = limit
        self.commands = commands()
        self._too_much: dict[str, int] = {}

    def ask(self, peer: str, a: Tree, b: Tree) -> Answer | None:
        """Its answer; None where it fails, or took too long on a pair no larger than this."""
        cells = len(a) * len(b)
        if cells >= self._too_much.get(peer, cells + 1):
            return None
        pair = self.folder / "pair.json"
        pair.write_text(json.dumps({"a": _rows(a), "b": _rows(b)}))
        command = (*self.commands[peer], str(pair), "0.5")
        home = self.folder if command[0] != "node" else HOME
        try:
            done = subprocess.run(
                command, cwd=home, capture_output=True, check=True, timeout=self.limit
            )
        except subprocess.TimeoutExpired:
            progress(f"  {peer}: more than {self.limit:.0f} s, left out of larger pairs")
            self._too_much[peer] = cells
            return None
        except subprocess.CalledProcessError as failure:
            progress(f"  {peer} failed: {failure.stderr.decode()[-300:]}")
            return None
        told: dict[str, Any] = json.loads(done.stdout)
        found = None if "broken" in told else outcome(told, a, b)
        return Answer(told["cpu_ms"], told["peak_kb"] / 1024, told["operations"], found)


def _rows(tree: Tree) -> list[list[Any]]:
    return [[n.role, n.name, n.value, p] for n, p in zip(tree.nodes, tree.parents, strict=True)]


def _plain(tree: Tree) -> Tree:
    """The tree of what every tool is shown."""
    return Tree([Node(n.role, n.name, n.value) for n in tree.nodes], tree.parents)


class Score:
    """One tool's answers to several pairs with known truth."""

    def __init__(self) -> None:
        self.mapped = [0, 0, 0]
        self.edits = [0, 0, 0]
        self.cost = self.said = self.pairs = self.rebuilt = 0
        self.cpu_ms = float("inf")
        self.peak_mb = 0.0

    def add(self, truth: Truth, answer: Answer) -> None:
        self.pairs += 1
        self.cpu_ms = min(self.cpu_ms, answer.cpu_ms)
        self.peak_mb = max(self.peak_mb, answer.peak_mb)
        found = answer.outcome
        if found is None:
            return
        self.rebuilt += 1
        self.said += answer.operations
        self.cost += found.cost
        both = zip(found.mapping, truth.mapping, strict=True)
        counts = [(x >= 0, y >= 0, x == y >= 0) for x, y in both]
        self.mapped = [n + sum(c[k] for c in counts) for k, n in enumerate(self.mapped)]
        edits = (len(found.edits), len(truth.edits), len(found.edits & truth.edits))
        self.edits = [n + m for n, m in zip(self.edits, edits, strict=True)]

    def quality(self) -> dict[str, float]:
        """By name; empty for a tool whose scripts rebuild nothing."""
        if not self.rebuilt:
            return {}
        (found, real, right), (told, true, good) = self.mapped, self.edits
        ratios = (right / found, right / real, good / told, good / true, told / true)
        return dict(zip(QUALITY, ratios, strict=True))


def measure_truth(report: Report, field: Field, sizes: tuple[int, ...]) -> None:
    """Every tool on the same seeded edits."""
    for mix in MIXES:
        for size in sizes:
            progress(f"peers: {mix}, {size} nodes")
            scores: dict[str, Score] = defaultdict(Score)
            patient = dict.fromkeys(field.commands)
            for seed in range(1, SEEDS[size] + 1):
                truth = ground_truth(size, seed, mix)
                truth = truth._replace(a=_plain(truth.a), b=_plain(truth.b))
                for peer in tuple(patient):
                    answer = field.ask(peer, truth.a, truth.b)
                    if answer is not None:
                        scores[peer].add(truth, answer)
                    if answer is None or answer.cpu_ms > SLOW_MS:
                        del patient[peer]
            for peer, score in scores.items():
                _tell(report, f"{peer}/{mix}/{size}", score)
            _compare(report, field, scores, mix, size)


def _tell(report: Report, name: str, score: Score) -> None:
    report.emit(f"peer_cpu/{name}", score.cpu_ms, "ms")
    if not name.startswith("git/"):  # a process of its own, whose peak Linux tells too high
        report.emit(f"peer_peak_memory/{name}", score.peak_mb, "MiB")
    report.emit(f"peer_rebuilds/{name}", score.rebuilt / score.pairs, "ratio")
    if score.rebuilt:
        report.emit(f"peer_operations_said/{name}", score.said / score.rebuilt, "operations")
        report.emit(f"peer_cost/{name}", score.cost / score.rebuilt, "operations")
    for metric, value in score.quality().items():
        report.emit(f"peer_{metric}/{name}", value, "ratio")


def _compare(report: Report, field: Field, scores: dict[str, Score], mix: str, size: int) -> None:
    ours = scores.pop(OURS)
    if size in SPEEDUPS:
        for peer in REPORTS_MOVES:
            # One that ran into the limit is at least so slow.
            theirs = scores[peer].cpu_ms if peer in scores else field.limit * 1e3
            ratio, ask = theirs / ours.cpu_ms, SPEEDUPS[size]
            report.emit(f"times_faster/{peer}/{mix}/{size}", ratio, "ratio", ask, ratio >= ask)
    quoted = {} if mix != "plain" else GUMTREE_SIMPLE.get(size, {})
    if mix == "plain" and size in GUMTREE_SIMPLE_MS:
        ask = GUMTREE_SIMPLE_MS[size]
        report.emit(f"cpu_beside_gumtree_simple_quoted/{size}", ours.cpu_ms, "ms", ask)
    for metric, value in ours.quality().items():
        theirs_all = [s.quality()[metric] for s in scores.values() if s.rebuilt]
        theirs_all += [quoted[metric]] if metric in quoted else []
        if metric == "operations":
            # Too few operations are no better than too many.
            best = min(theirs_all, key=lambda x: abs(x - 1))
            holds = abs(value - 1) <= abs(best - 1)
        else:
            best = max(theirs_all)
            holds = value >= best
        report.emit(f"beside_best_peer_{metric}/{mix}/{size}", value, "ratio", best, holds)


def measure_pairs(report: Report, field: Field, corpus: Path) -> None:
    """Every tool on real pairs: node-level cost, operations, time."""
    for name, before, after, best in PAIRS:
        progress(f"peers: {name}")
        a, b = load_plain(corpus / before), load_plain(corpus / after)
        costs: dict[str, int] = {}
        for peer in field.commands:
            answer = field.ask(peer, a, b)
            if answer is None:
                continue
            report.emit(f"peer_pair_cpu/{peer}/{name}", answer.cpu_ms, "ms")
            if peer != "git":
                report.emit(f"peer_pair_peak_memory/{peer}/{name}", answer.peak_mb, "MiB")
            if answer.outcome is not None:
                costs[peer] = answer.outcome.cost
                report.emit(f"peer_pair_cost/{peer}/{name}", answer.outcome.cost, "operations")
                report.emit(f"peer_pair_edits/{peer}/{name}", len(answer.outcome.edits), "edits")
        ours = costs.pop(OURS)
        report.emit(f"pair_cost_beside_best_seen/{name}", ours, "operations", best)
        if costs:
            report.emit(f"pair_cost_least_of_peers/{name}", min(costs.values()), "operations")


def measure(report: Report, corpus: Path | None, *, quick: bool, limit: float = 30) -> None:
    """Everything of this page."""
    sizes = tuple(SEEDS)[:3] if quick else tuple(SEEDS)
    with tempfile.TemporaryDirectory() as folder:
        field = Field(Path(folder), limit)
        measure_truth(report, field, sizes)
        if corpus:
            measure_pairs(report, field, corpus)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON lines (always done)")
    parser.add_argument("--corpus", type=Path, help="folder laid out as the shared corpus is")
    parser.add_argument("--quick", action="store_true", help="small trees alone")
    parser.add_argument("--limit", type=float, default=30, help="seconds a tool has for one pair")
    arguments = parser.parse_args()
    report = Report()
    measure(report, arguments.corpus, quick=arguments.quick, limit=arguments.limit)
    return report.status()
