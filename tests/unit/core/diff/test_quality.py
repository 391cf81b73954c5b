"""The diff finds what was done: real screens with seeded edits (the benchmark's, smaller)."""

import pytest

from benchmarks._groundtruth import MIXES, UNKIND, Tally, ground_truth, listed, real_tree, seeded
from systemzero_core.diff import Prepared, apply, diff, invert


@pytest.mark.parametrize("mix", MIXES)
def test_the_diff_finds_the_edits_that_were_made(mix: str) -> None:
    baseline = Prepared(ground_truth(1_000, 1, mix).a)
    tally = Tally()
    for seed in range(1, 6):
        truth = ground_truth(1_000, seed, mix)
        script = diff(baseline, truth.b)
        assert apply(script, truth.a) == truth.b
        assert apply(invert(script), truth.b) == truth.a
        tally.add(truth, script)
    found, true, right = tally.edits
    assert right / found >= 0.93
    assert right / true >= 0.96
    assert found / true <= 1.05
    mapped, mappable, rightly = tally.mapped
    assert rightly / mapped >= 0.99
    assert rightly / mappable >= 0.99


def test_the_ground_truth_is_true() -> None:
    tree = listed(300)
    for seed in range(5):
        truth = seeded(tree, seed, 0.1, UNKIND)
        kept = [y for y in truth.mapping if y >= 0]
        assert len(kept) == len(set(kept))
        updated = {i for kind, i in truth.edits if kind == "update"}
        for x, y in enumerate(truth.mapping):
            assert y < 0 or (truth.a.nodes[x] != truth.b.nodes[y]) == (x in updated)
        assert truth.b == seeded(tree, seed, 0.1, UNKIND).b


def test_rows_of_another_template_are_still_those_rows() -> None:
    for seed in range(5):
        truth = seeded(listed(300), seed, 0.01, ("template",))
        script = diff(truth.a, truth.b)
        assert {(e.kind.value, e.node if e.node >= 0 else e.target) for e in script.edits} == (
            truth.edits
        )
        assert len(truth.edits) == 3 * 5


@pytest.mark.parametrize("share", [0.2, 0.5])
def test_heavily_edited_screens_are_told_exactly(share: float) -> None:
    tree = real_tree(250)
    for seed in range(25):
        truth = seeded(tree, seed, share, UNKIND)
        script = diff(truth.a, truth.b)
        assert apply(script, truth.a) == truth.b
        assert apply(invert(script), truth.b) == truth.a
        for x, y in enumerate(script.mapping):
            assert y < 0 or script.sources()[y] == x
