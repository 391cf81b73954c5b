"""Sequence alignment against plain dynamic programming."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.diff import sequences
from systemzero_core.diff.gaps import close_gaps
from systemzero_core.diff.sequences import (
    common_runs,
    heaviest_alignment,
    longest_increasing,
)

items = st.lists(st.integers(0, 4), max_size=14)


def pairs_of(runs: Sequence[tuple[int, int, int]]) -> list[tuple[int, int]]:
    assert all(size > 0 for _, _, size in runs)
    return [(p + k, q + k) for p, q, size in runs for k in range(size)]


def plain_length(a: Sequence[int], b: Sequence[int]) -> int:
    row = [0] * (len(b) + 1)
    for x in a:
        above = row
        row = [0]
        for j, y in enumerate(b):
            row.append(above[j] + 1 if x == y else max(above[j + 1], row[j]))
    return row[-1]


def assert_common(a: Sequence[int], b: Sequence[int], pairs: Sequence[tuple[int, int]]) -> None:
    assert all(a[i] == b[j] for i, j in pairs)
    assert [i for i, _ in pairs] == sorted({i for i, _ in pairs})
    assert [j for _, j in pairs] == sorted({j for _, j in pairs})
    assert all(0 <= i < len(a) and 0 <= j < len(b) for i, j in pairs)


@given(items, items)
def test_the_common_subsequence_is_one_and_the_longest(a: list[int], b: list[int]) -> None:
    pairs = pairs_of(common_runs(a, b))
    assert_common(a, b, pairs)
    assert len(pairs) == plain_length(a, b)


@pytest.mark.parametrize("dense_cells", [0, 5_000])
def test_it_is_the_longest_for_longer_lists_of_few_and_of_many_items(
    dense_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sequences, "_DENSE_CELLS", dense_cells)
    source = Random(1)  # noqa: S311
    for kinds in (2, 3, 8, 30):
        for _ in range(20):
            a, b = ([source.randrange(kinds) for _ in range(25)] for _ in range(2))
            pairs = pairs_of(common_runs(a, b))
            assert_common(a, b, pairs)
            assert len(pairs) == plain_length(a, b)


@pytest.fixture
def no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists count as too long for the exact alignment from ten pairs on."""
    monkeypatch.setattr(sequences, "MAX_BIT_CELLS", 10)


@pytest.mark.usefixtures("no_room")
def test_long_lists_still_get_a_common_subsequence() -> None:
    @given(items, items)
    def check(a: list[int], b: list[int]) -> None:
        assert_common(a, b, pairs_of(common_runs(a, b)))

    check()
    names = list(range(100))
    assert len(pairs_of(common_runs(names, [*names[:40], 1000, *names[41:]]))) == 99
    assert len(pairs_of(common_runs([7] * 50, [7] * 30 + [8] * 9 + [7] * 20))) >= 49


@given(st.lists(st.integers(0, 9), max_size=9))
def test_longest_increasing(values: list[int]) -> None:
    chain = [values[i] for i in longest_increasing(values)]
    assert chain == sorted(set(chain))

    @cache
    def longest_from(start: int, least: int) -> int:
        if start == len(values):
            return 0
        skip = longest_from(start + 1, least)
        value = values[start]
        return max(skip, 1 + longest_from(start + 1, value + 1)) if value >= least else skip

    assert len(chain) == longest_from(0, -1)


@given(items, items)
def test_closing_gaps_keeps_a_longest_common_subsequence(a: list[int], b: list[int]) -> None:
    runs = common_runs(a, b)
    slid = pairs_of(close_gaps(a, b, runs))
    assert_common(a, b, slid)
    assert len(slid) == len(pairs_of(runs))


def gaps(a: str, b: str) -> list[tuple[str, str]]:
    pairs = pairs_of(close_gaps(a, b, common_runs(a, b)))
    found = []
    p = q = 0
    for i, j in [*pairs, (len(a), len(b))]:
        if i > p or j > q:
            found.append((a[p:i], b[q:j]))
        p, q = i + 1, j + 1
    return found


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("1-.2-.3-.4-.", "1-.W3-.4-."),  # W stands for 2-. or for -.2, never apart from them
        ("1-.2-.3-.", "W-.3-."),
        ("1-.2-.3-.", "1-.2-.W"),
    ],
)
def test_what_went_and_what_came_share_a_gap(a: str, b: str) -> None:
    assert len(gaps(a, b)) == 1
    assert len(gaps(b, a)) == 1


@given(st.integers(0, 5), st.integers(0, 5), st.data())
def test_the_heaviest_alignment_weighs_most(rows: int, columns: int, data: st.DataObject) -> None:
    weights = st.lists(st.integers(0, 6), min_size=columns, max_size=columns)
    table = data.draw(st.lists(weights, min_size=rows, max_size=rows))
    pairs = heaviest_alignment(table)
    assert all(table[i][j] for i, j in pairs)
    assert_common([0] * rows, [0] * columns, pairs)

    @cache
    def heaviest(i: int, j: int) -> int:
        if i == rows or j == columns:
            return 0
        return max(heaviest(i + 1, j), heaviest(i, j + 1), table[i][j] + heaviest(i + 1, j + 1))

    assert sum(table[i][j] for i, j in pairs) == heaviest(0, 0)
