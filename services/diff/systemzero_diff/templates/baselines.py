"""Baselines: templates with what is computed once, as many as there is memory for.

A template is kept packed, as the store has it. What captures are compared with takes a hundred
times as much: it is made when it is asked for, and forgotten when others need the memory.

Invariants:
1. Baselines that are kept come to at most the bytes that are set; those that are in use and can't
   be kept live as long as their use.
2. A baseline is that of the packed template that it is asked for by, never another version's.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator, Mapping

from systemzero_base.lru import Lru
from systemzero_diff import metrics
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.work.baselines import Baseline, memory_of


class ReadyBaselines:
    """Baselines of all tenants; those that were not used for longest are forgotten first.

    Safe for any number of threads: two that miss the same one both make it.
    """

    def __init__(self, most_bytes: int) -> None:
        self._lock = threading.Lock()
        self._kept = Lru[PackedTemplate, tuple[Baseline, int]](sys.maxsize, _size_of, most_bytes)

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """What all that are kept take."""
        return self._kept.size

    def get(self, packed: PackedTemplate, nodes: int) -> Baseline:
        """The baseline of `packed`, a tree of so many nodes; made where it is not there."""
        with self._lock:
            if (kept := self._kept.get(packed)) is not None:
                return kept[0]
        metrics.BASELINES_MADE.inc()
        baseline = Baseline(packed.unpacked(), packed.document_bytes)
        with self._lock:
            self._kept.put(packed, (baseline, memory_of(nodes, packed.document_bytes)))
        return baseline

    def limit(self, most_bytes: int) -> None:
        """Keep no more than so many bytes from now on."""
        with self._lock:
            self._kept.limit(most_bytes)

    def forget(self, packed: PackedTemplate) -> None:
        """Nobody asks for it any more."""
        with self._lock:
            self._kept.forget(packed)


def _size_of(_packed: PackedTemplate, kept: tuple[Baseline, int]) -> int:
    return kept[1]


class Baselines(Mapping[str, Baseline]):
    """The baselines of one tenant, by template id."""

    def __init__(self, ready: ReadyBaselines) -> None:
        self._ready = ready
        self._packed: dict[str, PackedTemplate] = {}
        self._nodes: dict[str, int] = {}
        self.packed_bytes = 0

    def __getitem__(self, template_id: str) -> Baseline:
        return self.made(self._packed[template_id])

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)

    def __contains__(self, template_id: object) -> bool:
        return template_id in self._packed

    def packed(self, template_id: str) -> PackedTemplate | None:
        """The template as it is stored, without making its baseline; None where there is none."""
        return self._packed.get(template_id)

    def made(self, packed: PackedTemplate) -> Baseline:
        """The baseline of what `packed` gave, also where that was replaced meanwhile."""
        return self._ready.get(packed, self._nodes.get(packed.template_id, 0))

    def put(self, packed: PackedTemplate, nodes: int) -> None:
        """Have `packed`, of so many nodes, from now on, in the place of another version."""
        self.drop(packed.template_id)
        self._nodes[packed.template_id] = nodes
        self._packed[packed.template_id] = packed
        self.packed_bytes += _size(packed)

    def drop(self, template_id: str) -> None:
        """Have the template no more."""
        if (gone := self._packed.pop(template_id, None)) is not None:
            del self._nodes[template_id]
            self.packed_bytes -= _size(gone)
            self._ready.forget(gone)

    def clear(self) -> None:
        """Have nothing."""
        for template_id in list(self._packed):
            self.drop(template_id)

    def release(self) -> None:
        """Nobody is to use them but calls that are under way."""
        for packed in self._packed.values():
            self._ready.forget(packed)


_PACKED = 600
"""Bytes of a packed template but for its tree and its body, parts of which are there twice."""


def _size(packed: PackedTemplate) -> int:
    return _PACKED + 2 * len(packed.body) + len(packed.tree or b"")
