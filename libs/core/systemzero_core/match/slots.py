"""The slots of an index: one for each template version, in tables that grow together.

A writer enters what is new in slots that no snapshot shows yet, and publishes the snapshot that
shows them last. What readers hold stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from systemzero_core.match.bitslice import Table
from systemzero_core.match.features import TWO_SIDED, Feature
from systemzero_core.match.ranking import Entry

_CLASSES = 48
_EMPTY = 8_000
"""Bytes of dictionaries and lists with nothing in them."""
_SWEEP_FROM = 64
"""Slots without a template that are never worth a sweep."""
_WIDTHS: Mapping[Feature, int] = {
    Feature.REQUIRED_NODES: 8192,
    Feature.STRUCTURE: 16384,
    Feature.ROLES: 2048,
    Feature.NAMES: 16384,
    Feature.IDENTIFIERS: 4096,
    Feature.PAGE: 4096,
    Feature.LAYOUT: 4096,
}


class Generation:
    """Tables and slots that grow together; written by one writer at a time."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.tables = {feature: Table(width) for feature, width in _WIDTHS.items()}
        self.classes = {feature: [0] * _CLASSES for feature in Feature}
        self.sizes: list[tuple[int, ...] | None] = []
        """For each slot the tokens of each feature; None for a template without a baseline."""
        self.bare = 0
        self._entries_memory = 0

    @property
    def memory(self) -> int:
        """Bytes that entries and tables take, those that no snapshot shows any more included."""
        return _EMPTY + self._entries_memory + sum(table.memory for table in self.tables.values())

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
        self._entries_memory += entry.memory
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


class Snapshot(NamedTuple):
    """What a reader sees. `live` has a bit for each slot that counts."""

    generation: Generation
    live: int
    slots: Mapping[str, int]
    by_digest: Mapping[str, tuple[int, ...]]
    by_screen: Mapping[str, tuple[int, ...]]


class Draft:
    """The next snapshot, while a writer makes it; from `base`, or from nothing."""

    def __init__(self, base: Snapshot | None = None) -> None:
        base = base or Snapshot(Generation(), 0, {}, {}, {})
        self.generation = base.generation
        self.live = base.live
        self.slots = dict(base.slots)
        self.by_digest = dict(base.by_digest)
        self.by_screen = dict(base.by_screen)

    def put(self, entry: Entry) -> None:
        """Enter a template, in the place of any other version of it."""
        self.drop(entry.template_id)
        slot = self.generation.append(entry)
        self.slots[entry.template_id] = slot
        self.live |= 1 << slot
        for key, group in self._groups(entry):
            group[key] = (*group.get(key, ()), slot)

    def drop(self, template_id: str) -> None:
        """Take a template out; nothing happens when it is not there."""
        slot = self.slots.pop(template_id, None)
        if slot is None:
            return
        self.live ^= 1 << slot
        for key, group in self._groups(self.generation.entries[slot]):
            if rest := tuple(other for other in group[key] if other != slot):
                group[key] = rest
            else:
                del group[key]

    def published(self) -> Snapshot:
        """The snapshot; of new tables, where those it grew in hold mostly what is gone."""
        if len(self.generation.entries) > 2 * len(self.slots) + _SWEEP_FROM:
            return self._swept().published()
        return Snapshot(self.generation, self.live, self.slots, self.by_digest, self.by_screen)

    def _groups(self, entry: Entry) -> list[tuple[str, dict[str, tuple[int, ...]]]]:
        groups = [(entry.screen_id, self.by_screen)]
        return [*groups, (entry.full_signature, self.by_digest)] if entry.full_signature else groups

    def _swept(self) -> Draft:
        entries = self.generation.entries
        fresh = Draft()
        for slot in self.slots.values():
            fresh.put(entries[slot])
        return fresh


def _class_of(size: int) -> int:
    """0, 1, 2, 3, 4-5, 6-7, 8-11, 12-15 and so on: classes grow by half a power of two."""
    if size < 2:
        return size
    digits = size.bit_length()
    return min(2 * digits - 2 + (size >> (digits - 2) & 1), _CLASSES - 1)


def _least(size_class: int) -> int:
    """The smallest size of a class."""
    return size_class if size_class < 2 else (2 + (size_class & 1)) << ((size_class >> 1) - 1)
