"""What the match benchmark derives its templates and queries from."""

from __future__ import annotations

import random

from benchmarks.match import derived, entries, seeds, stranger
from systemzero_core.match import DEFAULT_THRESHOLDS, TemplateIndex, brute_force, tokens_of


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - no secret


def test_derived_screens_are_known_and_strangers_are_not() -> None:
    trees = seeds(None)[:6]
    held = entries(trees, 60, chance(1))
    index = TemplateIndex()
    index.update_entries(held)
    for number, tree in enumerate(trees):
        changed = tokens_of(derived(tree, 0.1, chance(number)))
        found = index.query(changed)
        assert found[0].score > 0.6
        assert found == brute_force(held, changed)
        nobody = index.query(tokens_of(stranger(tree, chance(number))))
        assert not nobody or nobody[0].score < DEFAULT_THRESHOLDS.match
