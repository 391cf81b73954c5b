"""Many templates, one question: which of them is this screen? Without comparing all of them.

For every template at once an upper bound of its score is added up from signature tables
(`match.bitslice`); templates are then compared in the order of their bounds, until no bound left
could still change the answer. Invariants:

1. The answer equals comparing every template (`brute_force`), ties included.
2. A read takes one snapshot and never waits: writers publish a new one when they are done.
   Within a snapshot every template is there in one version, or not at all.
3. A slot is used once; what was replaced or removed is swept out when it outweighs what lives,
   into new tables, so that readers of an older snapshot keep theirs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from heapq import heappop, heappush
from math import ceil
from operator import or_
from threading import Lock
from typing import NamedTuple

from systemzero_core.match.bitslice import (
    Table,
    add_up,
    at_least,
    members,
    number_at,
    rows,
    scaled,
)
from systemzero_core.match.features import (
    TWO_SIDED,
    Feature,
    Tokens,
    tokens_of,
)
from systemzero_core.match.ranking import LEAST_SCORE, Entry, Ranked, keep, ranking_order
from systemzero_core.match.score import DEFAULT_WEIGHTS, Weights, score, score_of
from systemzero_core.template.model import Template
from systemzero_core.tree import Tree

_FULL = 1 << 16
"""What a score of 1 is as a bound; bounds are rounded up to whole parts of it."""

_ROUNDING = 1e-9
"""More than floats lose in adding up a score."""

_STEPS = 64
_FACTOR_BITS = 5
_CLASSES = 48
_SWEEP_FROM = 64
_WIDTHS: Mapping[Feature, int] = {
    Feature.REQUIRED_NODES: 8192,
    Feature.STRUCTURE: 2048,
    Feature.ROLES: 512,
    Feature.NAMES: 16384,
    Feature.IDENTIFIERS: 4096,
    Feature.LAYOUT: 4096,
}


class _Generation:
    """Tables and slots that grow together; written by one writer at a time."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.tables = {feature: Table(width) for feature, width in _WIDTHS.items()}
        self.classes = {feature: [0] * _CLASSES for feature in Feature}
        self.sizes: list[tuple[int, ...] | None] = []
        """For each slot the tokens of each feature; None for a template without a baseline."""
        self.bare = 0

    def append(self, entry: Entry) -> int:
        """Enter `entry` in the next slot, which no snapshot shows yet."""
        slot = len(self.entries)
        tokens = entry.tokens.tokens
        self._enter(Feature.REQUIRED_NODES, slot, entry.tokens.required)
        if tokens is None:
            self.bare |= 1 << slot
            self.sizes.append(None)
        else:
            for feature in TWO_SIDED:
                self._enter(feature, slot, tokens.arrays[feature])
            self.sizes.append((len(entry.tokens.required), *map(tokens.size, TWO_SIDED)))
        self.entries.append(entry)
        return slot

    def floors(self, feature: Feature, floor: int, live: int) -> dict[int, int]:
        """The live slots by a lower bound of their tokens, or by `floor` where that is more.

        Slots without a token are not among them.
        """
        found: dict[int, int] = {}
        for size_class, slots in enumerate(self.classes[feature]):
            if size_class and slots & live:
                least = max(floor, _least(size_class))
                found[least] = found.get(least, 0) | slots & live
        return found

    def _enter(self, feature: Feature, slot: int, tokens: Sequence[int]) -> None:
        self.tables[feature].add(slot, tokens)
        self.classes[feature][_class_of(len(tokens))] |= 1 << slot


class _Snapshot(NamedTuple):
    """What a reader sees. `live` has a bit for each slot that counts."""

    generation: _Generation
    live: int
    slots: Mapping[str, int]
    by_digest: Mapping[str, tuple[int, ...]]
    by_screen: Mapping[str, tuple[int, ...]]


class _Draft:
    """The next snapshot, while a writer makes it."""

    def __init__(self, base: _Snapshot) -> None:
        self.generation = base.generation
        self.live = base.live
        self.slots = dict(base.slots)
        self.by_digest = dict(base.by_digest)
        self.by_screen = dict(base.by_screen)

    def put(self, entry: Entry) -> None:
        self.drop(entry.template_id)
        slot = self.generation.append(entry)
        self.slots[entry.template_id] = slot
        self.live |= 1 << slot
        for key, group in self._groups(entry):
            group[key] = (*group.get(key, ()), slot)

    def drop(self, template_id: str) -> None:
        slot = self.slots.pop(template_id, None)
        if slot is None:
            return
        self.live ^= 1 << slot
        for key, group in self._groups(self.generation.entries[slot]):
            if rest := tuple(other for other in group[key] if other != slot):
                group[key] = rest
            else:
                del group[key]

    def published(self) -> _Snapshot:
        return _Snapshot(self.generation, self.live, self.slots, self.by_digest, self.by_screen)

    def _groups(self, entry: Entry) -> list[tuple[str, dict[str, tuple[int, ...]]]]:
        groups = [(entry.screen_id, self.by_screen)]
        return [*groups, (entry.full_signature, self.by_digest)] if entry.full_signature else groups


class TemplateIndex:
    """The current version of each template of one template set. Safe for any number of threads.

    Weights belong to the index: its bounds hold for them alone.
    """

    def __init__(
        self, templates: Iterable[Template] = (), weights: Weights = DEFAULT_WEIGHTS
    ) -> None:
        self.weights = weights
        self._lock = Lock()
        self._state = _Snapshot(_Generation(), 0, {}, {}, {})
        self.update(templates)

    def __len__(self) -> int:
        return len(self._state.slots)

    def __contains__(self, template_id: object) -> bool:
        return template_id in self._state.slots

    def __iter__(self) -> Iterator[Entry]:
        """The entries of one snapshot."""
        state = self._state
        return iter([state.generation.entries[slot] for slot in state.slots.values()])

    def add(self, template: Template) -> None:
        """Enter a template, in the place of any other version of it."""
        self.update((template,))

    def remove(self, template_id: str) -> None:
        """Take a template out; nothing happens when it is not there."""
        self.update((), (template_id,))

    def update(self, templates: Iterable[Template] = (), removed: Iterable[str] = ()) -> None:
        """Take `removed` out and enter `templates`, as one step: no reader sees half of it."""
        self.update_entries([self.entry_of(t) for t in templates], removed)

    def update_entries(self, entries: Iterable[Entry], removed: Iterable[str] = ()) -> None:
        """`update` with entries made before: reading a template is most of the work."""
        with self._lock:
            draft = _Draft(self._state)
            for template_id in removed:
                draft.drop(template_id)
            for entry in entries:
                draft.put(entry)
            if len(draft.generation.entries) > 2 * len(draft.slots) + _SWEEP_FROM:
                draft = _swept(draft)
            self._state = draft.published()

    def entry_of(self, template: Template) -> Entry:
        """The entry of a template, with what the weights ask for; for `update_entries`."""
        return Entry.of(template, layout=self.weights.layout > 0)

    def tokens_of(self, tree: Tree) -> Tokens:
        """The tokens of a capture, with what the weights ask for."""
        return tokens_of(tree, layout=self.weights.layout > 0)

    def entries_of(self, screen: str) -> list[Entry]:
        """The templates that have `screen` as screen id or template id, by template id."""
        state = self._state
        slots = set(state.by_screen.get(screen, ()))
        if screen in state.slots:
            slots.add(state.slots[screen])
        found = [state.generation.entries[slot] for slot in slots]
        return sorted(found, key=lambda entry: entry.template_id)

    def query(self, capture: Tokens, k: int = 5, full_signature: str = "") -> list[Ranked]:
        """The `k` templates that fit best, best first, none below `LEAST_SCORE`.

        Where templates have the capture's own full digest, they alone are the answer.
        """
        state = self._state
        entries = state.generation.entries
        if equal := state.by_digest.get(full_signature):
            return sorted((Ranked(entries[s], 1.0, True) for s in equal), key=ranking_order)[:k]
        return _Search(state, capture, self.weights, k).run()


class _Search:
    """One query: bounds for all slots at once, sharper ones for some, comparisons for few.

    Slots come in bands of their coarse bound; each gets a sharp bound and waits in a heap. What
    waits is compared while its sharp bound is above the band still to come or could change `best`.
    """

    def __init__(self, state: _Snapshot, capture: Tokens, weights: Weights, k: int) -> None:
        self._state, self._capture, self._weights, self._k = state, capture, weights, k
        counts = {
            feature: state.generation.tables[feature].counts(_asked(capture, feature))
            for feature in Feature
            if weights.of(feature) or feature is Feature.REQUIRED_NODES
        }
        self._coarse = _coarse_bounds(state, capture, weights, counts)
        self._rows = {feature: rows(total, state.live) for feature, total in counts.items()}
        self._plan = [
            (
                number,
                weights.of(feature),
                0 if feature is Feature.REQUIRED_NODES else capture.size(feature),
                self._rows[feature],
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
            found = number_at(self._rows[Feature.REQUIRED_NODES], slot)
            required = min(found, len(template.required))
            return score_of(self._capture, template, self._weights, lambda _: required)
        place, bit = slot >> 3, 1 << (slot & 7)
        reached = total = 0.0
        for number, weight, mine, digits in self._plan:
            theirs = sizes[number]
            if not mine + theirs:
                continue
            total += weight
            count = 0
            for value, row in digits:
                if row[place] & bit:
                    count += value
            if number == 0:  # required nodes, of which `mine` is 0
                reached += weight * min(count, theirs) / theirs
            else:
                count = min(count, mine, theirs)
                reached += weight * count / (mine + theirs - count)
        return reached / total + _ROUNDING if total else 0.0


def _asked(capture: Tokens, feature: Feature) -> frozenset[int]:
    return capture.present if feature is Feature.REQUIRED_NODES else capture.sets[feature]


def _coarse_bounds(
    state: _Snapshot, capture: Tokens, weights: Weights, counts: Mapping[Feature, Sequence[int]]
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


def _class_of(size: int) -> int:
    """0, 1, 2, 3, 4-5, 6-7, 8-11, 12-15 and so on: classes grow by half a power of two."""
    if size < 2:
        return size
    digits = size.bit_length()
    return min(2 * digits - 2 + (size >> (digits - 2) & 1), _CLASSES - 1)


def _least(size_class: int) -> int:
    """The smallest size of a class."""
    return size_class if size_class < 2 else (2 + (size_class & 1)) << ((size_class >> 1) - 1)


def _swept(draft: _Draft) -> _Draft:
    entries = draft.generation.entries
    fresh = _Draft(_Snapshot(_Generation(), 0, {}, {}, {}))
    for slot in draft.slots.values():
        fresh.put(entries[slot])
    return fresh
