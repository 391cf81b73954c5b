"""Walking a tree without lists of children: most nodes of a tree are never asked for theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def neighbours(ends: Sequence[int], start: int, end: int) -> Iterator[int]:
    """The roots of the subtrees that follow each other from node `start` up to `end`."""
    while start < end:
        yield start
        start = ends[start]


def children_of(
    ends: Sequence[int], index: int, known: dict[int, tuple[int, ...]]
) -> tuple[int, ...]:
    """The children of node `index`, from `known` or put there."""
    found = known.get(index)
    if found is None:
        found = known[index] = tuple(neighbours(ends, index + 1, ends[index]))
    return found
