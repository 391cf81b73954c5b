"""What the judgement says of the corpus's labelled pairs. Skipped where the corpus is not.

The same asks as `python -m benchmarks.accuracy` has, without matching.
"""

from __future__ import annotations

import csv
import gzip
import os
from functools import cache
from pathlib import Path

import pytest

from systemzero_core.diff import diff
from systemzero_core.drift import Judgement, Severity, Verdict, judge
from systemzero_core.formats import parse
from systemzero_core.normalize import normalize
from systemzero_core.template import Template, learn
from systemzero_core.tree import Tree

REPOSITORY = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("SYSTEMZERO_TEST_CORPUS", REPOSITORY.parent / "shared" / "corpus"))

PAIRS = CORPUS / "PAIRS.tsv"

pytestmark = pytest.mark.skipif(not PAIRS.exists(), reason="the corpus is not here")


def pairs(kind: str) -> list[dict[str, str]]:
    if not PAIRS.exists():
        return []
    with PAIRS.open(encoding="utf-8") as table:
        return [row for row in csv.DictReader(table, delimiter="\t") if row["pair_kind"] == kind]


@cache
def screen(path: str) -> Tree:
    whole = CORPUS / path
    stem = whole.name.removesuffix(".ax.json.gz")
    dom = whole.with_name(f"{stem}.dom.json.gz")
    frames = sorted(whole.parent.glob(f"{stem}.frame*.ax.json.gz"))
    parsed = parse(
        gzip.decompress(whole.read_bytes()),
        dom=gzip.decompress(dom.read_bytes()) if dom.exists() else None,
        frames=[gzip.decompress(frame.read_bytes()) for frame in frames],
    )
    return normalize(parsed.tree)


def verdict(row: dict[str, str], *more: Tree) -> Judgement:
    learned = learn([*more, screen(row["a"])])
    template = Template(template_id="t", screen_id="s", tree=learned.tree, policy=learned.policy)
    capture = screen(row["b"])
    return judge(template, capture, diff(learned.tree, capture))


@pytest.mark.parametrize("row", pairs("benign:reload"), ids=lambda row: row["a"])
def test_a_reload_is_no_warning(row: dict[str, str]) -> None:
    assert verdict(row).severity is Severity.INFO


@pytest.mark.parametrize("row", pairs("benign:reload"), ids=lambda row: row["a"])
def test_a_capture_that_was_learnt_from_is_unchanged(row: dict[str, str]) -> None:
    assert verdict(row, screen(row["b"])).verdict is Verdict.UNCHANGED


@pytest.mark.parametrize("row", pairs("version-drift"), ids=lambda row: row["a"])
def test_another_release_is_drift(row: dict[str, str]) -> None:
    judgement = verdict(row)
    if row["identical_role_name_sequence"] == "yes":
        assert judgement.severity is Severity.INFO
    else:
        assert judgement.verdict is Verdict.DRIFT
