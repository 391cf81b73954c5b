"""The diff on every pair of the shared corpus, where there is one beside the checkout."""

import csv
from pathlib import Path

import pytest

from benchmarks._plaintrees import load_plain
from systemzero_core.diff import apply, diff, invert

CORPUS = Path(__file__).parents[4] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.exists(), reason="there is no corpus here")


def pairs() -> list[tuple[str, str, str]]:
    """(application, before, after) of every pair of web captures."""
    if not CORPUS.exists():
        return []
    with (CORPUS / "PAIRS.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [(row["app"], row["a"], row["b"]) for row in rows]


@pytest.mark.parametrize("app", sorted({app for app, _, _ in pairs()}))
def test_every_pair_is_told_exactly_and_no_longer_than_need_be(app: str) -> None:
    for name, before, after in pairs():
        if name != app:
            continue
        a, b = (load_plain(CORPUS / path.removesuffix(".ax.json.gz")) for path in (before, after))
        script = diff(a, b)
        assert apply(script, a) == b, (before, after)
        assert apply(invert(script), b) == a, (before, after)
        assert bool(script) == (a != b), (before, after)
        assert script.cost <= len(a) + len(b), (before, after)
