"""Diff: quality on seeded ground truth and real pairs, CPU time, growth, the worst cases.

    python -m benchmarks.diff --json [--corpus DIR] [--quick] [--peers]

Everything is measured against a baseline in memory (`Prepared`), script and sentences included.
Without a corpus the real pairs are left out; `--peers` measures other tools in the same run.
"""

from __future__ import annotations

import argparse
import gc
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import linear_regression

import msgspec

from benchmarks._groundtruth import MIXES, Tally, ground_truth, real_tree
from benchmarks._plaintrees import PAIRS, load_plain
from benchmarks._report import Report, cpu_seconds, progress
from benchmarks.peers import race as peers
from systemzero_core.diff import Prepared, apply, diff
from systemzero_core.tree import Node, Tree

SIZES = (100, 300, 1_000, 3_000, 10_000)
CPU_ASKS = {1_000: 4.0, 10_000: 50.0}
MAX_EXPONENT = 1.15
ROUNDS = 8
MAX_WORST_SECONDS = 5.0


def _report(report: Report, name: str, tally: Tally) -> None:
    mapped, edits = tally.mapped, tally.edits
    rows = (
        ("mapping_precision", mapped[2] / mapped[0], 0.99, True),
        ("mapping_recall", mapped[2] / mapped[1], 0.99, True),
        ("edit_precision", edits[2] / edits[0], 0.93, True),
        ("edit_recall", edits[2] / edits[1], 0.96, True),
        ("operations", edits[0] / edits[1], 1.05, False),
    )
    for row, value, ask, is_floor in rows:
        holds = value >= ask if is_floor else value <= ask
        report.emit(f"{row}/{name}", value, "ratio", ask, holds)


def _fresh(tree: Tree) -> Tree:
    """The same tree as it arrives: nothing computed yet."""
    return Tree(tree.nodes, tree.parents)


def measure_truth(report: Report, sizes: tuple[int, ...], seeds: int) -> None:
    """Quality against what was really done, by the mix of edits."""
    for name in MIXES:
        total = Tally()
        for size in sizes:
            progress(f"ground truth: {name}, {size} nodes")
            tally = Tally()
            for seed in range(1, seeds + 1):
                truth = ground_truth(size, seed, name)
                script = diff(Prepared(truth.a), _fresh(truth.b))
                if apply(script, truth.a) != truth.b:
                    raise AssertionError(f"not exact: {name} {size} {seed}")
                for each in (tally, total):
                    each.add(truth, script)
            if size in CPU_ASKS:
                _report(report, f"{name}/{size}", tally)
        _report(report, name, total)


def _arrived(tree: Tree) -> Tree:
    """An equal tree that shares no node and no text, as one that came over the wire."""
    return Tree(msgspec.json.decode(msgspec.json.encode(tree.nodes), type=list[Node]), tree.parents)


def measure_time(report: Report, sizes: tuple[int, ...]) -> None:
    """CPU time of one diff at 5 % edits, and how it grows.

    All sizes are measured in turn, several times over, so that a busy hour of the machine is one
    for all of them and the growth is the diff's own.
    """
    pairs: dict[int, tuple[Prepared, Tree]] = {}
    for size in sizes:
        progress(f"time: {size} nodes")
        truth = ground_truth(size, 1, "plain")
        pairs[size] = Prepared(truth.a), _arrived(truth.b)
        diff(*pairs[size])
    gc.collect()
    gc.freeze()  # what the measuring itself holds on to is not the diff's to look through
    best = dict.fromkeys(sizes, math.inf)
    for _ in range(ROUNDS):
        for size, (baseline, after) in pairs.items():
            repeats = 5 if size <= 3_000 else 1
            seconds = cpu_seconds(lambda: diff(baseline, _fresh(after)), repeats)  # noqa: B023
            best[size] = min(best[size], seconds)
    for size, seconds in best.items():
        report.emit(f"diff_cpu/{size}", seconds * 1e3, "ms", CPU_ASKS.get(size))
    if len(best) > 1:
        points = [(math.log(size), math.log(seconds)) for size, seconds in best.items()]
        slope = linear_regression(*zip(*points, strict=True)).slope
        report.emit("growth_exponent", slope, "exponent", MAX_EXPONENT)
    same = real_tree(sizes[-1])
    baseline = Prepared(same)
    arrived = _arrived(same)
    seconds = cpu_seconds(lambda: diff(baseline, _fresh(arrived)))
    report.emit(f"diff_cpu_unchanged/{sizes[-1]}", seconds * 1e3, "ms")


def _flat(names: list[str], role: str = "listitem") -> Tree:
    nodes = [Node("list"), *(Node(role, name) for name in names)]
    return Tree(nodes, [-1] + [0] * len(names))


def _chain(names: list[str]) -> Tree:
    return Tree([Node("group", name) for name in names], list(range(-1, len(names) - 1)))


def _bush(size: int, seed: int) -> Tree:
    """A random tree of few labels, so that everything resembles everything."""
    source = random.Random(seed)  # noqa: S311
    nodes, parents, path = [Node("group")], [-1], [0]
    for i in range(1, size):
        while len(path) > 1 and source.random() < 0.5:
            path.pop()
        parents.append(path[-1])
        path.append(i)
        nodes.append(Node(source.choice(("group", "row", "cell")), source.choice(("", "x", "y"))))
    return Tree(nodes, parents)


def _rows(rows: int, cells: int, seed: int) -> Tree:
    """Rows without names, each with other words in its cells."""
    source = random.Random(seed)  # noqa: S311
    nodes, parents = [Node("list")], [-1]
    for _ in range(rows):
        row = len(nodes)
        nodes.append(Node("row"))
        nodes.extend(Node("cell", f"word {source.randrange(3_000)}") for _ in range(cells))
        parents.extend([0, *[row] * cells])
    return Tree(nodes, parents)


def worst_cases() -> dict[str, Callable[[], tuple[Tree, Tree]]]:
    """Pairs that make a diff hang if it can, by name."""
    names = [f"name {i}" for i in range(100_000)]
    mixed = names.copy()
    random.Random(1).shuffle(mixed)  # noqa: S311
    same = ["x"] * 100_000
    return {
        "equal_siblings_100000": lambda: (
            _flat(same),
            _flat([*same[:50_000], "y", *same[50_000:]]),
        ),
        "other_siblings_100000": lambda: (_flat(same), _flat(["y"] * 100_000)),
        "reversed_100000": lambda: (_flat(names), _flat(names[::-1])),
        "shuffled_100000": lambda: (_flat(names), _flat(mixed)),
        "inside_out_10000": lambda: (_chain(names[:10_000]), _chain(names[:10_000][::-1])),
        "deep_10000": lambda: (_chain([""] * 10_000), _chain([*[""] * 10_000, "new"])),
        "rows_100x1000": lambda: (_rows(100, 1_000, 1), _rows(100, 1_000, 2)),
        "alike_100000": lambda: (_bush(100_000, 1), _bush(100_000, 2)),
    }


def measure_worst(report: Report) -> None:
    """CPU time where there is no good answer."""
    for name, make in worst_cases().items():
        progress(f"worst case: {name}")
        a, b = make()
        seconds = cpu_seconds(lambda: diff(a, _fresh(b)), repeats=1)  # noqa: B023
        report.emit(f"worst_cpu/{name}", seconds, "s", MAX_WORST_SECONDS)


def measure_pairs(report: Report, corpus: Path) -> None:
    """Node-level cost on real pairs, beside the least that any other tool was seen to need."""
    for name, before, after, best in PAIRS:
        a, b = load_plain(corpus / before), load_plain(corpus / after)
        script = diff(a, b)
        if apply(script, a) != b:
            raise AssertionError(f"not exact: {name}")
        report.emit(f"pair_cost/{name}", script.cost, "operations", best)
        report.emit(f"pair_edits/{name}", len(script.edits), "edits")
        seconds = cpu_seconds(lambda: diff(a, _fresh(b)))  # noqa: B023
        report.emit(f"pair_cpu/{name}", seconds * 1e3, "ms")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON lines (always done)")
    parser.add_argument("--corpus", type=Path, help="folder laid out as the shared corpus is")
    parser.add_argument(
        "--quick", action="store_true", help="small trees, one seed, no worst cases"
    )
    parser.add_argument("--peers", action="store_true", help="other tools, too: benchmarks.peers")
    arguments = parser.parse_args()
    report = Report()
    sizes = SIZES[:3] if arguments.quick else SIZES
    measure_truth(report, sizes, seeds=1 if arguments.quick else 5)
    measure_time(report, sizes if arguments.quick else (*sizes, 30_000, 100_000))
    if not arguments.quick:
        measure_worst(report)
    if arguments.corpus:
        measure_pairs(report, arguments.corpus)
    if arguments.peers:
        peers.measure(report, arguments.corpus, quick=arguments.quick)
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
