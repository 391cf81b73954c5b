"""Matching among many templates: `python -m benchmarks.match --json`.

Templates are derived from the recorded captures of tests/data (and those of a labelled corpus, if
its folder is given): of each, variants in which none, 2, 10 or 30 % of the nodes have another name
or role. Queries are further variants: of a known screen (10 % changed), of a hardly known one
(90 %), and of no screen at all (every word new). The heaviest captures are left out, since they
would measure the size of a page and not the number of templates.

Rows, each for 1,000 and 10,000 templates: `match_p50`, `match_p95` (CPU of one query for the five
best, tokens in hand), `match_compared` (templates compared per query, mean), `index_memory`
(resident memory that templates and index add), `index_update` (replacing one template);
`match_growth` is the factor of p50 from 1,000 to 10,000; `match_differs` counts the queries whose
answer is not that of comparing every template; `tokens_cpu` is reading one tree of 1,000 nodes.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
from pathlib import Path

from benchmarks._corpus import Corpus
from benchmarks._report import Report, cpu_seconds, progress
from systemzero_core.errors import DomainError
from systemzero_core.formats import parse
from systemzero_core.match import Entry, Ranked, TemplateIndex, Tokens, brute_force, tokens_of
from systemzero_core.normalize import normalize
from systemzero_core.template import Template
from systemzero_core.tree import Node, Tree
from tests.support.captures import capture, captures

_SIZES = (1_000, 10_000)
_SMALLEST, _LARGEST = 20, 4_000
_SHARES = (0.0, 0.02, 0.1, 0.3)
_QUERIES = 300
_MAX_BYTES = 100_000_000
_TEMPLATES_MB = 400
_P95_MS = 15


def seeds(corpus: Path | None) -> list[Tree]:
    """The normal forms that templates are derived from."""
    found = []
    for name in captures():
        recorded = capture(*name)
        found.append(normalize(parse(recorded.ax, dom=recorded.dom, frames=recorded.frames).tree))
    if corpus is not None:
        labelled = Corpus(corpus)
        for path in labelled.captures:
            data, dom, frames = labelled.files(path)
            try:
                parsed = parse(data, dom=dom, frames=frames, max_bytes=_MAX_BYTES)
            except DomainError as error:
                progress(f"{path}: {error}")
            else:
                found.append(normalize(parsed.tree))
    return [tree for tree in found if _SMALLEST <= len(tree) <= _LARGEST]


def derived(tree: Tree, share: float, source: random.Random) -> Tree:
    """`tree` with another name, and in some cases another role, on `share` of its nodes."""
    nodes = list(tree.nodes)
    for i in range(1, len(nodes)):
        if source.random() < share:
            role = nodes[i].role if source.random() < 0.7 else source.choice(nodes).role
            word = "".join(source.choices("abcdefghijklmnopqrstuvwxyz", k=6))
            name = f"{nodes[i].name} {word}" if nodes[i].name else ""
            nodes[i] = Node(role, name, "", (), nodes[i].bounds, nodes[i].attributes)
    return Tree(nodes, tree.parents)


def stranger(tree: Tree, source: random.Random) -> Tree:
    """A tree of the same size in which no word and no place of `tree` is left."""
    nodes = [
        Node(
            role=source.choice(tree.nodes).role,
            name=f"{source.getrandbits(40):x}" if n.name else "",
        )
        for n in tree.nodes
    ]
    return Tree(nodes, [-1, *[source.randrange(max(0, i - 9), i) for i in range(1, len(nodes))]])


def entries(trees: list[Tree], count: int, source: random.Random) -> list[Entry]:
    return [
        Entry.of(
            Template(
                template_id=f"t{i:05}",
                screen_id=f"s{i % len(trees)}",
                tree=derived(trees[i % len(trees)], source.choice(_SHARES), source),
            )
        )
        for i in range(count)
    ]


def queries(trees: list[Tree], source: random.Random) -> list[Tokens]:
    made = []
    for i in range(_QUERIES):
        tree = source.choice(trees)
        share = (0.1, 0.1, 0.9)[i % 3]
        made.append(
            tokens_of(stranger(tree, source) if i % 10 == 9 else derived(tree, share, source))
        )
    for tokens in made:
        tokens.sets  # noqa: B018 - part of reading a capture, not of looking it up
    return made


def resident_mb() -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def measure(trees: list[Tree], size: int, checked: int, report: Report) -> float:
    """All rows of one size; returns the median in ms."""
    source = random.Random(size)  # noqa: S311 - no secret
    gc.collect()
    before = resident_mb()
    held = entries(trees, size, source)
    index = TemplateIndex()
    index.update_entries(held)
    gc.collect()
    memory = resident_mb() - before
    progress(f"{size} templates indexed")
    asked = queries(trees, random.Random(7))  # noqa: S311
    times = sorted(cpu_seconds(lambda q=tokens: index.query(q), 1) * 1e3 for tokens in asked)  # type: ignore[misc]
    median, p95 = times[len(times) // 2], times[int(len(times) * 0.95)]
    large = size == max(_SIZES)
    report.emit(f"match_p50/{size}", median, "ms")
    report.emit(f"match_p95/{size}", p95, "ms", _P95_MS if large else None)
    report.emit(f"index_memory/{size}", memory, "MB", _TEMPLATES_MB if large else None)
    again = held[size // 2]
    update = cpu_seconds(lambda: index.update_entries([again])) * 1e3
    report.emit(f"index_update/{size}", update, "ms")
    more = [tokens for _ in range(-(-checked // len(asked))) for tokens in queries(trees, source)]
    differs = sum(_answer(index.query(q)) != _answer(brute_force(held, q)) for q in more[:checked])
    progress(f"{checked} queries compared with brute force")
    report.emit(f"match_differs/{size}", differs, "queries", 0)
    return median


def _answer(ranked: list[Ranked]) -> list[tuple[str, float]]:
    return [(r.entry.template_id, r.score) for r in ranked]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="the one format there is; accepted")
    parser.add_argument("--corpus", type=Path, help="derive templates from this corpus too")
    parser.add_argument(
        "--checked", type=int, default=60, help="queries compared with brute force, per size"
    )
    args = parser.parse_args()
    report = Report()
    trees = seeds(args.corpus)
    progress(f"templates derived from {len(trees)} captures")
    thousand = next(tree for tree in trees if len(tree) >= 500)
    cost = cpu_seconds(lambda: tokens_of(thousand)) * 1e3 / len(thousand) * 1_000
    report.emit("tokens_cpu", cost, "ms per 1,000 nodes", 1.0)
    few, many = (measure(trees, size, args.checked, report) for size in _SIZES)
    report.emit("match_growth", many / few, "times for 10 times the templates", 10.0)
    return report.status()


if __name__ == "__main__":
    sys.exit(main())
