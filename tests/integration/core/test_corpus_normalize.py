"""The normal form and the gate over real trees; skipped where the corpus is not there."""

from __future__ import annotations

import csv
import gzip
from functools import cache
from pathlib import Path

import pytest

from systemzero_core.completeness import Reason, assess
from systemzero_core.errors import TooLarge
from systemzero_core.formats import Parsed, parse
from systemzero_core.normalize import explain, normalize, role_tables
from systemzero_core.signature import sign

CORPUS = Path(__file__).parents[3].resolve().parent / "shared" / "corpus"
_INCOMPLETE = {
    "web/edge-page/own__a.ax.json.gz": Reason.MISSING_FRAME,
    "web/edge-page/own__b.ax.json.gz": Reason.MISSING_FRAME,
    "web/edge-page/own__scrolled.ax.json.gz": Reason.MISSING_FRAME,
    "web/edge-page/own__spinner.ax.json.gz": Reason.MISSING_FRAME,
    "android/shirates/AppIsNotResponding.xml": Reason.NOT_RESPONDING,
    "android/shirates/NodeForRootElementNotFound.xml": Reason.NO_CONTENT,
    "ios/shirates/NodeForRootElementNotFound.xml": Reason.NO_CONTENT,
    "windows/fragments/pane-0x0.xml": Reason.NO_CONTENT,
}
"""Every capture that the gate stops, looked at one by one; all others must pass."""

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="no corpus beside the checkout")


def _rows(name: str) -> list[dict[str, str]]:
    if not CORPUS.is_dir():
        return []
    with (CORPUS / name).open(newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def _read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


@cache
def _parsed(name: str) -> Parsed | None:
    """The capture with its DOM and frames, or None where it is above the size that is taken."""
    path = CORPUS / name
    stem = path.name.removesuffix(".ax.json.gz")
    dom = path.with_name(f"{stem}.dom.json.gz")
    frames = sorted(path.parent.glob(f"{stem}.frame*.ax.json.gz"))
    web = path.name.endswith(".ax.json.gz")
    try:
        return parse(
            _read(path),
            dom=_read(dom) if web and dom.exists() else None,
            frames=[_read(frame) for frame in frames] if web else [],
        )
    except TooLarge:
        return None


def test_every_tree_has_a_normal_form_that_stays() -> None:
    normal = role_tables.ARIA_ROLES | role_tables.EXTENSION_ROLES
    for row in _rows("MANIFEST.tsv"):
        parsed = _parsed(row["path"])
        if parsed is None:
            continue
        once = normalize(parsed.tree)
        again = explain(once)
        assert again.tree == once, row["path"]
        assert again.removed == (), row["path"]
        assert sign(again.tree) == sign(once)
        assert {node.role for node in once.nodes} <= normal, row["path"]


def test_the_gate_stops_these_captures_and_no_others() -> None:
    found = {}
    for row in _rows("MANIFEST.tsv"):
        parsed = _parsed(row["path"])
        if parsed is not None:
            for reason, _ in assess(parsed.tree, parsed.gaps):
                found[row["path"]] = reason
    assert found == _INCOMPLETE


def test_reloads_that_show_the_same_are_equal_to_the_last_byte() -> None:
    pairs = [row for row in _rows("PAIRS.tsv") if row["pair_kind"] == "benign:reload"]
    for row in pairs:
        a, b = _parsed(row["a"]), _parsed(row["b"])
        if a is None or b is None or row["identical_role_name_sequence"] != "yes":
            continue
        assert sign(normalize(a.tree)) == sign(normalize(b.tree)), row["b"]


def test_reloads_that_differ_in_a_live_text_have_one_structure() -> None:
    for row in _rows("PAIRS.tsv"):
        if row["pair_kind"] == "benign:reload":
            a, b = _parsed(row["a"]), _parsed(row["b"])
            if a is not None and b is not None:
                one, other = sign(normalize(a.tree)), sign(normalize(b.tree))
                assert one.structure == other.structure, row["b"]
