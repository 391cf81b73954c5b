"""One query of an index: exact, though most templates are never compared.

For every template at once an upper bound of its score is added up from signature tables
(`match.bitslice`); templates are then compared in the order of their bounds, until no bound left
could still change the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from heapq import heappop, heappush
from math import ceil
from operator import or_

from systemzero_core.match.bitslice import add_up, at_least, by_slot, members, number_at, scaled
from systemzero_core.match.features import Feature, Tokens
from systemzero_core.match.ranking import LEAST_SCORE, Ranked, keep
from systemzero_core.match.score import Weights, score, score_of
from systemzero_core.match.slots import Snapshot

_FULL = 1 << 16
"""What a score of 1 is as a bound; bounds are rounded up to whole parts of it."""

_ROUNDING = 1e-9
"""More than floats lose in adding up a score."""

_STEPS = 64
_FACTOR_BITS = 5


class Scan:
    """One query: bounds for all slots at once, sharper ones for some, comparisons for few.

    Slots come in bands of their coarse bound; each gets a sharp bound and waits in a heap. What
    waits is compared while its sharp bound is above the band still to come or could change `best`.
    """

    def __init__(self, state: Snapshot, capture: Tokens, weights: Weights, k: int) -> None:
        self._state, self._capture, self._weights, self._k = state, capture, weights, k
        counts = {
            feature: state.generation.tables[feature].counts(_asked(capture, feature))
            for feature in Feature
            if weights.of(feature) or feature is Feature.REQUIRED_NODES
        }
        self._coarse = _coarse_bounds(state, capture, weights, counts)
        self._counts = {feature: by_slot(total, state.live) for feature, total in counts.items()}
        self._plan = [
            (
                number,
                weights.of(feature),
                0 if feature is Feature.REQUIRED_NODES else capture.size(feature),
                self._counts[feature],
            )
            for number, feature in enumerate(Feature)
            if weights.of(feature)
        ]
        self._heap: list[tuple[float, int]] = []
        self._best: list[Ranked] = []

    def run(self) -> list[Ranked]:
        """The answer of `TemplateIndex.query`."""
        waiting = self._state.live
        for step in range(_STEPS, -1, -1):
            bound = max(_FULL * step // _STEPS, int(_FULL * LEAST_SCORE))
            fits = at_least(self._coarse, bound, waiting)
            waiting ^= fits
            for slot in members(fits):
                heappush(self._heap, (-self._sharp_bound(slot), slot))
            self._compare_down_to(bound / _FULL)
            # Whatever still waits scores below `bound`: it cannot even tie with the last kept.
            if not waiting or self._least_wanted() >= bound / _FULL:
                break
        self._compare_down_to(LEAST_SCORE)
        return self._best

    def _least_wanted(self) -> float:
        return self._best[-1].score if len(self._best) == self._k else LEAST_SCORE

    def _compare_down_to(self, floor: float) -> None:
        while self._heap and -self._heap[0][0] >= max(floor, self._least_wanted()):
            entry = self._state.generation.entries[heappop(self._heap)[1]]
            keep(
                self._best,
                Ranked(entry, score(self._capture, entry.tokens, self._weights)),
                self._k,
            )

    def _sharp_bound(self, slot: int) -> float:
        """`score`, with the tables' counts for overlaps and a hair for rounding.

        Written out, since it is most of what a query does: thousands of slots may get here.
        """
        sizes = self._state.generation.sizes[slot]
        if sizes is None:
            template = self._state.generation.entries[slot].tokens
            found = number_at(self._counts[Feature.REQUIRED_NODES], slot)
            required = min(found, len(template.required))
            return score_of(self._capture, template, self._weights, lambda _: required)
        reached = total = 0.0
        for number, weight, mine, counted in self._plan:
            theirs = sizes[number]
            if not mine + theirs:
                continue
            total += weight
            count = 0
            for value, digits in counted:
                count += value * digits[slot]
            if number == 0:  # required nodes, of which `mine` is 0
                reached += weight * min(count, theirs) / theirs
            else:
                count = min(count, mine, theirs)
                reached += weight * count / (mine + theirs - count)
        return reached / total + _ROUNDING if total else 0.0


def _asked(capture: Tokens, feature: Feature) -> frozenset[int]:
    return capture.present if feature is Feature.REQUIRED_NODES else capture.sets[feature]


def _coarse_bounds(
    state: Snapshot, capture: Tokens, weights: Weights, counts: Mapping[Feature, Sequence[int]]
) -> list[int]:
    """For every slot, an upper bound of its score in parts of `_FULL`, bit sliced.

    |A and B| / |A or B| <= |A and B| / max(|A|, |B|), where |A and B| is bounded by the table's
    count and |B| from below by the slot's size class. A feature that says nothing is left out of
    the true score, which is at most what it would be had that feature scored 1.
    """
    generation, live = state.generation, state.live
    digits: dict[int, list[int]] = {}
    for feature, count in counts.items():
        unit = _FULL * weights.of(feature) / weights.total
        size = 0 if feature is Feature.REQUIRED_NODES else capture.size(feature)
        if not size:
            scaled([generation.classes[feature][0]], _rounded_up(unit), live, digits)
        for least, slots in generation.floors(feature, size, live).items():
            scaled(count, _rounded_up(unit / least), slots, digits)
    hit = reduce(or_, counts[Feature.REQUIRED_NODES], 0)
    scaled([hit], _FULL, generation.bare & live, digits)
    return add_up(digits)


def _rounded_up(factor: float) -> int:
    """`factor` or a little more, with few binary digits set, since each one costs an addition."""
    whole = ceil(factor)
    spare = max(0, whole.bit_length() - _FACTOR_BITS)
    return -(-whole >> spare) << spare
