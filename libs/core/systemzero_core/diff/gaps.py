"""Alignment of two lists that puts a removed item beside the one that replaced it."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from systemzero_core.diff.sequences import Run, common_runs


def aligned_runs(a: Sequence[Hashable], b: Sequence[Hashable]) -> Sequence[Run]:
    """`common_runs`, with the gaps closed where there are some on both sides."""
    runs = common_runs(a, b)
    if not runs:
        return runs
    p, q, size = runs[-1]
    gaps = len(runs) + 1 - (runs[0][:2] == (0, 0)) - (p + size == len(a) and q + size == len(b))
    if gaps < 2:
        return runs
    matched = sum([size for _, _, size in runs])
    return runs if matched in (len(a), len(b)) else close_gaps(a, b, runs)


def close_gaps(a: Sequence[Hashable], b: Sequence[Hashable], runs: Sequence[Run]) -> list[Run]:
    """As many pairs as in `runs`, with gaps of one side slid onto gaps of the other.

    In a list of alike triples, what is missing on the left and what is new on the right may stand
    one triple apart, because any of the alike can be called the missing one. Brought together, they
    can be seen to be the same thing changed.
    """
    slid: list[Run] = []
    first = 0  # of `slid`, since the last gap
    gap = (0, 0)  # how many items of a, of b are without a partner before that one
    low_p = low_q = 0
    for run in [*runs, (len(a), len(b), 0)]:
        p, q, size = run
        after = (p - low_p, q - low_q)
        low_p, low_q = p + size, q + size
        if after != (0, 0):
            by_p, by_q = _slide(a, b, slid[first:], gap, after)
            if by_p or by_q:
                slid[first:] = [(x + by_p, y + by_q, long) for x, y, long in slid[first:]]
            if by_p > 0 or by_q > 0:  # the gap after the runs is now part of the gap before them
                gap = (gap[0] + by_p, gap[1] + by_q)
            else:
                first, gap = len(slid), (after[0] - by_p, after[1] - by_q)
        if size:
            slid.append(run)
    return slid


def _slide(
    a: Sequence[Hashable],
    b: Sequence[Hashable],
    runs: Sequence[Run],
    before: tuple[int, int],
    after: tuple[int, int],
) -> tuple[int, int]:
    """By how much to slide adjoining runs in `a` or in `b`, so that two gaps become one."""
    if not runs or before == (0, 0):
        return 0, 0
    p, q, _ = runs[0]
    size = sum([run[2] for run in runs])
    if before[1] and not after[1] and a[p : p + size] == a[p + after[0] : p + after[0] + size]:
        return after[0], 0
    if before[0] and not after[0] and b[q : q + size] == b[q + after[1] : q + after[1] + size]:
        return 0, after[1]
    if after[1] and not before[1] and a[p : p + size] == a[p - before[0] : p - before[0] + size]:
        return -before[0], 0
    if after[0] and not before[0] and b[q : q + size] == b[q - before[1] : q - before[1] + size]:
        return 0, -before[1]
    return 0, 0
