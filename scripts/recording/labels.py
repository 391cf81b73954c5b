"""Labels of the recorded captures: what each is, and what pairs of them are to each other.

MANIFEST.tsv has a row a capture, PAIRS.tsv a row a pair with how many (role, name) entries stand in
one of the two only, counted on what is neither ignored nor a product of line wrapping. That says
how much differs, not how bad it is.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

_BENIGN = {
    "-reload": "benign:reload",
    "-again": "benign:reload",
    "-later": "benign:data2",
    "-filtered": "benign:filtered",
    "-other": "benign:other",
}
_INCOMPLETE = ("-loading", "-waiting")
_WRAPPING = ("InlineTextBox", "ListMarker")
_AX = ".ax.json.gz"


def label(captures: Path) -> None:
    """Write MANIFEST.tsv and PAIRS.tsv of the web captures in `captures`."""
    metas = {_ax_path(captures, file): json.loads(file.read_text()) for file in _metas(captures)}
    _write(captures / "MANIFEST.tsv", [_capture_row(path, meta) for path, meta in metas.items()])
    _write(captures / "PAIRS.tsv", [_pair_row(captures, *pair) for pair in _pairs(metas)])


def _metas(captures: Path) -> list[Path]:
    return sorted(captures.glob("*/*.meta.json"))


def _ax_path(captures: Path, meta: Path) -> str:
    return str(meta.relative_to(captures)).removesuffix(".meta.json") + _AX


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]), delimiter="\t", lineterminator="\n")
        table.writeheader()
        table.writerows(rows)


def _capture_row(path: str, meta: dict[str, Any]) -> dict[str, Any]:
    return {
        "path": path,
        "kind": "web",
        "app": meta["app"],
        "version_state": f"{meta['version']}/{meta['state']}",
        "nodes": meta["nodes"],
        "source": meta["package"],
        "licence": meta["licence"],
        "note": meta["note"],
        "ignored": meta["ignored"],
    }


def _pairs(metas: dict[str, dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """(kind, app, a, b): each variant with its screen, each screen with its next release."""
    at = {(meta["app"], meta["version"], meta["state"]): path for path, meta in metas.items()}
    found = []
    for (app, version, state), path in at.items():
        for suffix, kind in _BENIGN.items():
            base = at.get((app, version, state.removesuffix(suffix)))
            if base and base != path:
                found.append((kind, app, base, path))
    for app, state in sorted({(app, state) for app, _, state in at}):
        if not state.endswith(("-reload", "-again", *_INCOMPLETE)):
            releases = [at[key] for key in at if (key[0], key[2]) == (app, state)]
            found += [("version-drift", app, a, b) for a, b in pairwise(releases)]
    return found


def _pair_row(captures: Path, kind: str, app: str, a: str, b: str) -> dict[str, Any]:
    ours, theirs = _entries(captures / a), _entries(captures / b)
    return {
        "pair_kind": kind,
        "app": app,
        "a": a,
        "b": b,
        "nodes_a": len(ours),
        "nodes_b": len(theirs),
        "only_in_a": (Counter(ours) - Counter(theirs)).total(),
        "only_in_b": (Counter(theirs) - Counter(ours)).total(),
        "identical_role_name_sequence": "yes" if ours == theirs else "no",
    }


def _entries(ax: Path) -> list[tuple[str, str]]:
    """(role, name) in document order."""
    nodes = json.loads(gzip.decompress(ax.read_bytes()))["nodes"]
    by_id = {node["nodeId"]: node for node in nodes}
    entries, pending = [], [nodes[0]["nodeId"]]
    while pending:
        node = by_id[pending.pop()]
        role = node["role"]["value"]
        if not node["ignored"] and role not in _WRAPPING:
            entries.append((role, node.get("name", {}).get("value", "")))
        pending.extend(reversed(node["childIds"]))
    return entries
