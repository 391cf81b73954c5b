"""Walking a tree without lists of children: most nodes of a tree are never asked for theirs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence


def neighbours(ends: Sequence[int], start: int, end: int) -> Iterator[int]:
    """The roots of the subtrees that follow each other from node `start` up to `end`."""
    while start < end:
        yield start
        start = ends[start]
