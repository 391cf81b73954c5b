"""Where the edits of one judgement are: what a decision compares besides their values.

1. An *exact* place tells one place of a screen from all others. That of a node of the baseline is
   the whole way to it. That of a node that came, or of where a node moved to, is the parent, the
   nearest sibling before it that stays, and all that came or moved to between the two, in order.
   So what comes and goes elsewhere changes no place; what does right before it does.
2. A *like* place is the way alone: of the node, or of the parent of one that came. That is as much
   as other screens have in common.
3. The same edit at the same place again is the second one there, and so on: as many are covered as
   were shown. Where the order does not count, that is all that tells them apart.
4. What the policy ignores, or lets come, go and change places, is no part of a place.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, Protocol

from systemzero_core.diff import Edit, EditKind, EditScript
from systemzero_core.diff.describe import paths_of
from systemzero_core.diff.walk import neighbours
from systemzero_core.drift.model import Finding, PlaceDigests
from systemzero_core.tree import Tree

_BYTES: Final = 16
_KEPT, _MOVED, _CAME = b"=", b">", b"+"


class NodePolicy(Protocol):
    """What a policy says of a baseline's nodes."""

    def stays(self, node: int) -> bool:
        """Whether a node has to be there, and to keep its place."""

    def is_ordered(self, node: int) -> bool:
        """Whether the order of its children counts."""


class Places:
    """The places of the edits that count between two trees; linear in what stands beside them."""

    def __init__(
        self, script: EditScript, baseline: Tree, capture: Tree, sieve: NodePolicy
    ) -> None:
        self._trees = baseline, capture
        self._old, self._new = paths_of(script, baseline, capture)
        self._sieve = sieve
        self._sources = script.sources()
        self._shifted = {e.node for e in script.edits if e.kind is EditKind.MOVE}
        self._moved: set[int] = set()
        self._came: dict[int, bytes] = {}
        self._holders: dict[int, int] = {-1: -1}
        self._chains: dict[int, bytes] = {}

    def of(self, edits: Sequence[Edit], values: Sequence[str]) -> Iterator[PlaceDigests]:
        """The places of all edits that count, whose values digests are `values`."""
        for edit, digest in zip(edits, values, strict=True):
            if edit.kind is EditKind.MOVE:
                self._moved.add(edit.node)
            elif edit.kind is EditKind.INSERT:
                for k, place in enumerate(edit.places):
                    self._came[place.at] = f"{k} {digest}".encode()
        seen: Counter[tuple[str, bytes]] = Counter()
        for edit, digest in zip(edits, values, strict=True):
            both = self._exact(edit), self._like(edit)
            seen.update((digest, place) for place in set(both))
            yield PlaceDigests(*(_nth(place, seen[digest, place]) for place in both))

    def of_finding(self, finding: Finding) -> str:
        """The place of what a finding is about; empty where that is no node."""
        old, new = finding.node, finding.target
        if not 0 <= old < len(self._trees[0]) and 0 <= new < len(self._trees[1]):
            old = self._sources[new]
        if 0 <= old < len(self._trees[0]):
            return self._way(old).hex()
        if 0 <= new < len(self._trees[1]):
            return _digest(b"in", self._identity(self._trees[1].parents[new])).hex()
        return "/".join(f"{step.role} {step.nth} {step.name}" for step in finding.path)

    def _way(self, node: int) -> bytes:
        return self._old.way(node)

    def _like(self, edit: Edit) -> bytes:
        if edit.kind is EditKind.INSERT:
            return _digest(b"in", self._identity(self._trees[1].parents[edit.target]))
        return _digest(b"at", self._way(edit.node))

    def _exact(self, edit: Edit) -> bytes:
        if edit.kind is EditKind.INSERT:
            piece = {place.at for place in edit.places}
            tops = (place for place in edit.places if place.parent not in piece)
            return _digest(*(self._chain(top.at) for top in tops), *self._taken_in(edit))
        parts = [self._way(edit.node)]
        if edit.kind is EditKind.MOVE:
            parts.append(self._chain(edit.target))
        elif edit.kind is EditKind.UPDATE:
            parts += [self._way(other.node) for other in edit.others]
        elif len(edit.places) < self._trees[0].ends[edit.node] - edit.node:
            parts += [str(place.at - edit.node).encode() for place in edit.places]
        return _digest(*parts)

    def _taken_in(self, edit: Edit) -> Iterator[bytes]:
        """What stands below inserted nodes and did not come with them, in its order."""
        if len(edit.places) == self._trees[1].ends[edit.target] - edit.target:
            return
        for k, place in enumerate(edit.places):
            inside = [self._token(child) for child in self._children(place.at)]
            if any(token and token[:1] != _CAME for token in inside):
                yield f"{k} {len(inside)}".encode()
                yield from (token or b"" for token in inside)

    def _children(self, parent: int) -> Iterable[int]:
        ends = self._trees[1].ends
        return neighbours(ends, parent + 1, ends[parent] if parent >= 0 else len(ends))

    def _token(self, node: int) -> bytes | None:
        """What stands for a node of the capture among its siblings; None for what may vary."""
        source = self._sources[node]
        if source < 0:
            came = self._came.get(node)
            return None if came is None else _CAME + came
        if source in self._shifted:
            return _MOVED + self._way(source) if source in self._moved else None
        return _KEPT + self._way(source) if self._sieve.stays(source) else None

    def _chain(self, node: int) -> bytes:
        """What stands for the place of a node that came, or moved there."""
        if node not in self._chains:
            self._walk(self._trees[1].parents[node])
        return self._chains[node]

    def _walk(self, parent: int) -> None:
        """Find the places of all that came, or moved, below a node of the capture."""
        source = self._sources[parent] if parent >= 0 else -1
        ordered = source < 0 or self._sieve.is_ordered(source)
        start = place = _digest(b"below", self._identity(parent))
        for child in self._children(parent):
            token = self._token(child)
            if token is None or token[:1] != _KEPT:
                self._chains[child] = place
            if token is not None and ordered:
                place = _digest(start if token[:1] == _KEPT else place, token)

    def _identity(self, node: int) -> bytes:
        """What stands for a node of the capture: the nearest one above that is known or counts."""
        holders, parents = self._holders, self._trees[1].parents
        passed: list[int] = []
        at = node
        while at not in holders and self._sources[at] < 0 and at not in self._came:
            passed.append(at)
            at = parents[at]
        holder = holders.get(at, at)
        holders.update(dict.fromkeys(passed, holder))
        if holder < 0:
            return b""
        source = self._sources[holder]
        if source >= 0:
            return _KEPT + self._way(source)
        return _CAME + self._new.way(holder)


def _digest(*parts: bytes) -> bytes:
    framed = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hashlib.sha256(framed).digest()[:_BYTES]


def _nth(place: bytes, count: int) -> str:
    return (place if count == 1 else _digest(place, str(count).encode())).hex()
