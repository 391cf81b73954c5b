"""Sequence alignment: longest common and longest increasing subsequences.

Sources: Hunt and Szymanski, CACM 20(5), 1977 (common subsequence through candidate pairs);
Fredman, Discrete Mathematics 11, 1975 (increasing subsequence by binary search); Hyyrö, AWOCA 2004
(bit-parallel LCS: one big integer per row, 64 cells a machine word). All deterministic.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Sequence
from typing import TypeAlias

MAX_BIT_CELLS = 64_000_000
"""Cells (rows times columns, a bit each) of one bit-parallel LCS; past it, rare items anchor."""

_DENSE_CELLS = 5_000
"""Cells up to which the bits are always the fastest."""

_SPARSE = 4
"""Pairs of equal items for each item, at most, for an LCS through the pairs themselves."""


Run: TypeAlias = tuple[int, int, int]
"""`(p, q, size)`: `size` items from `p` on in one list that are those from `q` on in another."""


def longest_increasing(values: Sequence[int]) -> list[int]:
    """Positions of a longest strictly increasing subsequence of `values`, in order.

    O(n log n).
    """
    tails: list[int] = []
    tail_at: list[int] = []
    before = [-1] * len(values)
    for i, value in enumerate(values):
        slot = bisect_left(tails, value) if tails and value <= tails[-1] else len(tails)
        if slot:
            before[i] = tail_at[slot - 1]
        if slot == len(tails):
            tails.append(value)
            tail_at.append(i)
        else:
            tails[slot] = value
            tail_at[slot] = i
    chain: list[int] = []
    i = tail_at[-1] if tail_at else -1
    while i >= 0:
        chain.append(i)
        i = before[i]
    chain.reverse()
    return chain


def common_runs(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[Run]:
    """A long common subsequence of `a` and `b`, in order, as runs as long as possible.

    Longest where `len(a) * len(b)` is at most `MAX_BIT_CELLS`; longer lists are cut at the items
    that are unique in both (patience diff) and only what lies between is aligned exactly.
    """
    limit = min(len(a), len(b))
    start = 0
    while start < limit and a[start] == b[start]:
        start += 1
    limit -= start
    stop = 0
    while stop < limit and a[-1 - stop] == b[-1 - stop]:
        stop += 1
    runs = [(0, 0, start)] if start else []
    if stop < limit and start + stop + 1 < max(len(a), len(b)):  # one and one differ
        pairs = _middle(a[start : len(a) - stop], b[start : len(b) - stop])
        runs += _as_runs(pairs, start)
    if stop:
        runs.append((len(a) - stop, len(b) - stop, stop))
    return runs


def _as_runs(pairs: Iterable[tuple[int, int]], offset: int) -> list[Run]:
    runs: list[Run] = []
    first_p = first_q = size = 0
    for p, q in pairs:
        if p == first_p + size and q == first_q + size and size:
            size += 1
            continue
        if size:
            runs.append((first_p + offset, first_q + offset, size))
        first_p, first_q, size = p, q, 1
    if size:
        runs.append((first_p + offset, first_q + offset, size))
    return runs


def _middle(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterable[tuple[int, int]]:
    if len(a) == 1 or len(b) == 1:
        return _single(a, b)
    both = set(a).intersection(b)
    if not both:
        return ()
    # What only one side has is no part of any common subsequence.
    at_a = [i for i, item in enumerate(a) if item in both]
    at_b = [j for j, item in enumerate(b) if item in both]
    a, b = [a[i] for i in at_a], [b[j] for j in at_b]
    if a == b:
        return zip(at_a, at_b, strict=True)
    return [(at_a[i], at_b[j]) for i, j in _crossing(a, b)]


def _crossing(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """The pairs of lists that have the same items, more or less, in another order."""
    cells = len(a) * len(b)
    if cells > MAX_BIT_CELLS:
        return _patience(a, b)
    if cells < _DENSE_CELLS:
        return _bit_parallel(a, b)
    places: dict[Hashable, list[int]] = {}
    for j, item in enumerate(b):
        places.setdefault(item, []).append(j)
    waiting = [places.get(item, ()) for item in a]
    if sum(map(len, waiting)) > _SPARSE * len(a):
        return _bit_parallel(a, b)
    # Of one item's pairs the later come first, so that no two of them are in order.
    candidates = [(i, j) for i, found in enumerate(waiting) for j in reversed(found)]
    return [candidates[k] for k in longest_increasing([j for _, j in candidates])]


def _single(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    if len(a) == 1:
        return [(0, j) for j, item in enumerate(b) if item == a[0]][:1]
    return [(i, 0) for i, item in enumerate(a) if item == b[0]][:1]


def _bit_parallel(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    masks: dict[Hashable, int] = {}
    for j, item in enumerate(b):
        masks[item] = masks.get(item, 0) | (1 << j)
    full = (1 << len(b)) - 1
    row = full
    rows: list[int] = []
    for item in a:
        hits = row & masks.get(item, 0)
        row = ((row + hits) | (row - hits)) & full
        rows.append(row)
    # A zero bit j of row i means that LCS(a[:i+1], b[:j+1]) > LCS(a[:i+1], b[:j]).
    pairs: list[tuple[int, int]] = []
    j = len(b) - 1
    for i in range(len(a) - 1, -1, -1):
        above = rows[i - 1] if i else full
        while j >= 0 and rows[i] >> j & 1:
            j -= 1
        if j < 0:
            break
        if above >> j & 1:
            pairs.append((i, j))
            j -= 1
    pairs.reverse()
    return pairs


def _patience(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    seen_a, seen_b = _unique_places(a), _unique_places(b)
    shared = [
        (i, seen_b[item]) for item, i in seen_a.items() if i >= 0 and seen_b.get(item, -1) >= 0
    ]
    anchors = [shared[k] for k in longest_increasing([j for _, j in shared])]
    if not anchors:
        return _greedy(a, b)
    pairs: list[tuple[int, int]] = []
    low_a = low_b = 0
    for i, j in [*anchors, (len(a), len(b))]:
        for p, q in _between(a[low_a:i], b[low_b:j]):
            pairs.append((low_a + p, low_b + q))
        if i < len(a):
            pairs.append((i, j))
        low_a, low_b = i + 1, j + 1
    return pairs


def _between(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    if len(a) * len(b) <= MAX_BIT_CELLS:
        return _bit_parallel(a, b) if a and b else []
    return _greedy(a, b)


def _unique_places(items: Sequence[Hashable]) -> dict[Hashable, int]:
    places: dict[Hashable, int] = {}
    for i, item in enumerate(items):
        places[item] = -1 if item in places else i
    return places


def _greedy(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """A common subsequence in linear time: Hunt and Szymanski's pairs, one candidate each.

    The k-th occurrence of an item in `a` is paired with its k-th in `b`; of these pairs the longest
    increasing run of places is kept.
    """
    places: dict[Hashable, list[int]] = {}
    for j in range(len(b) - 1, -1, -1):
        places.setdefault(b[j], []).append(j)
    candidates: list[tuple[int, int]] = []
    for i, item in enumerate(a):
        waiting = places.get(item)
        if waiting:
            candidates.append((i, waiting.pop()))
    return [candidates[k] for k in longest_increasing([j for _, j in candidates])]


def heaviest_alignment(scores: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Index pairs, increasing on both sides, whose scores add up to the most.

    Args:
        scores: one row for each item of the first list, one score for each of the second; pairs
            that score 0 are never taken.

    Returns:
        The pairs in order; of equally heavy alignments the one that pairs earlier items.
    """
    rows = len(scores)
    columns = len(scores[0]) if rows else 0
    # best[i][j]: the heaviest alignment of rows from i on with columns from j on.
    best = [[0] * (columns + 1) for _ in range(rows + 1)]
    for i in range(rows - 1, -1, -1):
        below, row, own = best[i + 1], best[i], scores[i]
        right = 0
        for j in range(columns - 1, -1, -1):
            value = below[j] if below[j] > right else right  # noqa: FURB136 (a call a cell)
            score = own[j]
            if score and score + below[j + 1] > value:
                value = score + below[j + 1]
            row[j] = right = value
    pairs: list[tuple[int, int]] = []
    i = j = 0
    while i < rows and j < columns:
        score = scores[i][j]
        if score and best[i][j] == score + best[i + 1][j + 1]:
            pairs.append((i, j))
            i += 1
            j += 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs
