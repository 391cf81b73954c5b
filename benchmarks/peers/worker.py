"""One tool on one pair of trees, in a process of its own: CPU, memory, what it said.

    python worker.py PEER PAIR.json SECONDS

A script that imports nothing of the project unless PEER is `systemzero`, so that every Python tool
runs in the same frame. It prints one JSON object: `cpu_ms` (least of several runs within SECONDS),
`peak_kb` (growth of the resident set in the first run), `operations` as the tool counts them, and
one of `origins`, `pairs`, `lists` or `patch`, which `replay` reads.
"""

from __future__ import annotations

import gc
import importlib
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

Rows = list[list[Any]]
"""A tree: [role, name, value, parent] for each node, in document order."""

Job = tuple[Callable[[], Any], Callable[[Any], dict[str, Any]]]
"""What is measured, and how its result is told."""

_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def nested(rows: Rows) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The tree as JSON people write it, and its nodes in document order."""
    nodes: list[dict[str, Any]] = []
    for role, name, value, parent in rows:
        node = {"role": role, "name": name, "value": value, "children": []}
        if parent >= 0:
            nodes[parent]["children"].append(node)
        nodes.append(node)
    return nodes[0], nodes


def _systemzero(a: Rows, b: Rows) -> Job:
    sys.path.insert(0, str(Path(__file__).parents[2]))
    ours = importlib.import_module("systemzero_core.diff")
    model = importlib.import_module("systemzero_core.tree")

    def tree(rows: Rows) -> Any:
        return model.Tree([model.Node(*row[:3]) for row in rows], [row[3] for row in rows])

    baseline, after = ours.Prepared(tree(a)), tree(b)

    def tell(script: Any) -> dict[str, Any]:
        moved = [e.node for e in script.edits if e.kind == "move"]
        pairs = [[i, j] for i, j in enumerate(script.mapping) if j >= 0]
        return {"operations": len(script.edits), "pairs": pairs, "moved": moved}

    return lambda: ours.diff(baseline, model.Tree(after.nodes, after.parents)), tell


def _jsonpatch(a: Rows, b: Rows) -> Job:
    make = importlib.import_module("jsonpatch").make_patch
    before, after = nested(a)[0], nested(b)[0]
    return (
        lambda: make(before, after),
        lambda patch: {"operations": len(patch.patch), "patch": patch.patch},
    )


def _deepdiff(a: Rows, b: Rows) -> Job:
    deep = importlib.import_module("deepdiff").DeepDiff
    (before, old), (after, new) = nested(a), nested(b)
    old_at = {id(node): i for i, node in enumerate(old)}
    new_at = {id(node): i for i, node in enumerate(new)}

    def tell(found: Any) -> dict[str, Any]:
        removed = [old_at[id(level.t1)] for level in found.get("iterable_item_removed", ())]
        added = [new_at[id(level.t2)] for level in found.get("iterable_item_added", ())]
        count = sum(len(levels) for levels in found.values())
        return {"operations": count, "lists": [removed, added]}

    return lambda: deep(before, after, view="tree"), tell


def _xml(rows: Rows) -> Any:
    etree = importlib.import_module("lxml.etree")
    made: list[Any] = []
    for role, name, value, parent in rows:
        tag = re.sub(r"[^A-Za-z0-9_]", "_", role) or "_"
        tag = tag if tag[0].isalpha() else f"_{tag}"
        words = {"name": _NOT_XML.sub("", name), "value": _NOT_XML.sub("", value)}
        at = etree.Element(tag) if parent < 0 else etree.SubElement(made[parent], tag)
        at.attrib.update({key: text for key, text in words.items() if text})
        made.append(at)
    return made[0]


def _xmldiff(a: Rows, b: Rows, *, fast: bool = False) -> Job:
    main = importlib.import_module("xmldiff.main")
    patcher = importlib.import_module("xmldiff.patch").Patcher()
    before, after = _xml(a), _xml(b)

    def tell(actions: Any) -> dict[str, Any]:
        tree = _xml(a)
        for i, node in enumerate(tree.iter()):
            node.set("place", str(i))
        moved = set()
        for action in actions:
            if type(action).__name__ == "MoveNode":
                moved.add(int(tree.xpath(action.node)[0].get("place", -1)))
            patcher.handle_action(action, tree)
        origins = [int(node.get("place", -1)) for node in tree.iter()]
        return {"operations": len(actions), "origins": origins, "moved": sorted(moved - {-1})}

    return lambda: main.diff_trees(before, after, diff_options={"fast_match": fast}), tell


def _xmldiff_fast(a: Rows, b: Rows) -> Job:
    return _xmldiff(a, b, fast=True)


class _Plain:
    """A node as libraries of the tree edit distance take it."""

    def __init__(self, at: int, label: tuple[str, ...]) -> None:
        self.at = at
        self.label = label
        self.children: list[_Plain] = []

    def get_children(self) -> list[_Plain]:
        return self.children


def _plain(rows: Rows) -> _Plain:
    nodes = [_Plain(i, tuple(row[:3])) for i, row in enumerate(rows)]
    for i, row in enumerate(rows[1:], 1):
        nodes[row[3]].children.append(nodes[i])
    return nodes[0]


def _rename(one: _Plain, other: _Plain) -> int:
    """A node keeps its role: else anything would be renamed to anything, for half of the cost."""
    return int(one.label != other.label) if one.label[0] == other.label[0] else 3


def _apted(a: Rows, b: Rows) -> Job:
    library = importlib.import_module("apted")

    class Costs(library.Config):  # type: ignore[name-defined,misc]
        def rename(self, one: _Plain, other: _Plain) -> int:
            return _rename(one, other)

        def children(self, node: _Plain) -> list[_Plain]:
            return node.children

    before, after = _plain(a), _plain(b)

    def tell(mapping: Any) -> dict[str, Any]:
        pairs = [[one.at, other.at] for one, other in mapping if one and other]
        return {"operations": _unlike(mapping), "pairs": pairs}

    return lambda: library.APTED(before, after, Costs()).compute_edit_mapping(), tell


def _unlike(mapping: Any) -> int:
    return sum(not one or not other or one.label != other.label for one, other in mapping)


def _zss(a: Rows, b: Rows) -> Job:
    library = importlib.import_module("zss")
    before, after = _plain(a), _plain(b)

    def run() -> Any:
        return library.distance(
            before,
            after,
            _Plain.get_children,
            insert_cost=lambda _: 1,
            remove_cost=lambda _: 1,
            update_cost=_rename,
            return_operations=True,
        )[1]

    def tell(operations: Any) -> dict[str, Any]:
        mapping = [(operation.arg1, operation.arg2) for operation in operations]
        pairs = [[one.at, other.at] for one, other in mapping if one and other]
        return {"operations": _unlike(mapping), "pairs": pairs}

    return run, tell


def _git(a: Rows, b: Rows) -> Job:
    folder = tempfile.TemporaryDirectory()
    for side, rows in (("a", a), ("b", b)):
        Path(folder.name, side).write_text(_indented(rows))
    command = ("git", "diff", "--no-index", "--minimal", "--no-color", "-U0", "a", "b")

    def run() -> str:
        run = subprocess.run(command, cwd=folder.name, capture_output=True, check=False, text=True)
        return run.stdout

    def tell(output: str) -> dict[str, Any]:
        hunks = re.findall(r"^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@", output, re.MULTILINE)
        pairs, i, j, operations = [], 0, 0, 0
        for hunk in [*hunks, (len(a), 0, len(b), 0)]:
            start, gone, _, come = (1 if part == "" else int(part) for part in hunk)
            same = start - (gone > 0) - i
            pairs += [[i + k, j + k] for k in range(same)]
            i, j = i + same + gone, j + same + come
            operations += gone + come
        return {"operations": operations, "pairs": pairs}

    return run, tell


def _indented(rows: Rows) -> str:
    depths: list[int] = []
    lines: list[str] = []
    for role, name, value, parent in rows:
        depths.append(depths[parent] + 1 if parent >= 0 else 0)
        lines.append("  " * depths[-1] + json.dumps([role, name, value]))
    return "\n".join(lines) + "\n"


PEERS: dict[str, Callable[[Rows, Rows], Job]] = {
    "systemzero": _systemzero,
    "jsonpatch": _jsonpatch,
    "deepdiff": _deepdiff,
    "xmldiff": _xmldiff,
    "xmldiff_fast": _xmldiff_fast,
    "apted": _apted,
    "zss": _zss,
    "git": _git,
}


def _resident(field: str) -> int:
    """KiB of this process: VmRSS now, VmHWM at most so far."""
    status = Path("/proc/self/status").read_text()
    found = re.search(rf"^{field}:\s+(\d+)", status, re.MULTILINE)
    return int(found[1]) if found else 0


def _peak(run: Callable[[], Any]) -> tuple[Any, int]:
    """What `run` gives, and how far the resident set grew meanwhile, in KiB."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # the high-water mark starts anew
    before = _resident("VmRSS")
    found = run()
    peak = _resident("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found, max(0, peak - before)


def _cpu() -> float:
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime


def main() -> None:
    peer, pair, seconds = sys.argv[1:]
    sys.setrecursionlimit(100_000)
    trees = json.loads(Path(pair).read_text())
    run, tell = PEERS[peer](trees["a"], trees["b"])
    del trees
    gc.collect()
    gc.freeze()  # the inputs are not the tool's to look through
    start = _cpu()
    found, peak = _peak(run)
    best, end = _cpu() - start, time.monotonic() + float(seconds)
    try:
        told = tell(found)
    except (AssertionError, AttributeError, LookupError, ValueError) as problem:
        told = {"operations": len(found), "broken": f"{type(problem).__name__}: {problem}"}
    runs = 1
    while time.monotonic() < end and runs < 20:
        start = _cpu()
        run()
        best = min(best, _cpu() - start)
        runs += 1
    json.dump({"cpu_ms": best * 1e3, "peak_kb": peak, "runs": runs, **told}, sys.stdout)


if __name__ == "__main__":
    main()
