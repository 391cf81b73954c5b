"""Counting for many at once equals counting one by one."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from systemzero_core.match.bitslice import (
    Table,
    add_up,
    at_least,
    by_slot,
    members,
    number_at,
    scaled,
)

SLOTS = 70
bitmaps = st.integers(0, (1 << SLOTS) - 1)


@given(st.lists(bitmaps, max_size=40), bitmaps, st.integers(0, 300), st.integers(0, 9000))
def test_scaled_sums_and_comparisons(
    columns: list[int], kept: int, factor: int, bound: int
) -> None:
    digits: dict[int, list[int]] = {}
    scaled(add_up({0: list(columns)}), factor, kept, digits)
    total = add_up(digits)
    expected = [
        factor * sum(column >> slot & 1 for column in columns) * (kept >> slot & 1)
        for slot in range(SLOTS)
    ]
    everyone = (1 << SLOTS) - 1
    digits_read = by_slot(total, everyone)
    assert [number_at(digits_read, slot) for slot in range(SLOTS)] == expected
    assert members(at_least(total, bound, everyone)) == [
        slot for slot, number in enumerate(expected) if number >= bound
    ]


@given(st.lists(st.sets(st.integers(-100, 100)), max_size=20), st.sets(st.integers(-100, 100)))
def test_a_table_never_counts_too_few_and_nothing_for_an_empty_slot(
    entered: list[set[int]], asked: set[int]
) -> None:
    table = Table(32)
    for slot, tokens in enumerate(entered):
        table.add(slot, sorted(tokens))
    found = by_slot(table.counts(asked), (1 << len(entered) + 9) - 1)
    for slot, tokens in enumerate(entered):
        assert number_at(found, slot) >= len(tokens & asked)
        assert tokens or number_at(found, slot) == 0
    assert number_at(found, len(entered) + 8) == 0


@pytest.mark.parametrize("numbers", [range(16), [4, 6, 1], [1], [0, 8]])
def test_every_digit_of_a_bound_counts(numbers: Sequence[int]) -> None:
    digits: dict[int, list[int]] = {}
    for slot, number in enumerate(numbers):
        scaled([1 << slot], number, (1 << 16) - 1, digits)
    total = add_up(digits)
    for bound in range(18):
        found = members(at_least(total, bound, (1 << len(numbers)) - 1))
        assert found == [slot for slot, number in enumerate(numbers) if number >= bound]
