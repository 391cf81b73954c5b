"""What several good captures of one screen say about each node of the newest of them.

Every other capture is aligned with the baseline by the diff. What the script calls an update is one
more value of the node; what it deletes, that capture lacks; what it inserts, the baseline lacks. A
deleted and an inserted node of one role under one surviving parent are one node with another text,
where they pair off.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from systemzero_core.diff import Change, Edit, EditKind, EditScript
from systemzero_core.tree import Bounds, Node, Tree


class Extra(NamedTuple):
    """A node that another capture has and the baseline lacks; the root of what was inserted."""

    node: Node
    parent: int
    """The nearest node of the baseline above it, -1 where there is none."""


class Evidence:
    """What differs, by index in the baseline."""

    def __init__(self, baseline: Tree, captures: int) -> None:
        self.baseline = baseline
        self.captures = captures
        self.values: dict[tuple[int, str], list[str]] = {}
        self.absent: dict[int, int] = {}
        self.extras: dict[tuple[int, str, str], tuple[Extra, int]] = {}
        self.reordered: dict[int, int] = {}
        self.moved: dict[int, int] = {}
        self.counts: dict[tuple[int, str], list[int]] = {}
        self.shift = 0

    def add(self, capture: Tree, script: EditScript, edits: Iterable[Edit]) -> None:
        """Take in one more capture: its exact script, and the edits of it that are to be learnt."""
        gone: dict[tuple[int, str], list[tuple[int, Node]]] = {}
        come: dict[tuple[int, str], list[tuple[int, Node]]] = {}
        sources = script.sources()
        lost: set[int] = set()
        for edit in edits:
            if edit.kind is EditKind.UPDATE:
                self._update(edit)
            elif edit.kind is EditKind.MOVE:
                self._move(edit, script)
            elif edit.kind is EditKind.DELETE:
                lost.update(place.at for place in edit.places)
                for node, at, parent in _roots(edit):
                    gone.setdefault((parent, node.role), []).append((at, node))
            else:
                for node, at, parent in _roots(edit):
                    above = sources[parent] if parent >= 0 else -1
                    come.setdefault((above, node.role), []).append((at, node))
        self._pieces(capture, gone, come)
        self._count(script, capture)

    def _update(self, edit: Edit) -> None:
        for change in edit.changes:
            if change.field == "bounds":
                self.shift = max(self.shift, _edge(change))
            elif change.field not in ("role", "platform_role"):
                self._value(edit.node, change.field, _text(change.old), _text(change.new))

    def _value(self, node: int, field: str, old: str, new: str) -> None:
        self.values.setdefault((node, field), [old]).append(new)

    def _move(self, edit: Edit, script: EditScript) -> None:
        parent = edit.from_parent
        if parent >= 0 and script.mapping[parent] == edit.to_parent:
            self.reordered[parent] = self.reordered.get(parent, 0) + 1
        else:
            self.moved[edit.node] = self.moved.get(edit.node, 0) + 1

    def _pieces(
        self,
        capture: Tree,
        gone: dict[tuple[int, str], list[tuple[int, Node]]],
        come: dict[tuple[int, str], list[tuple[int, Node]]],
    ) -> None:
        for key, old in gone.items():
            new = come.get(key, [])
            if len(old) == len(new) and self._pair(capture, old, new):
                del come[key]
                continue
            for at, _ in old:
                self.absent[at] = self.absent.get(at, 0) + 1
        for (above, role), new in come.items():
            for name in dict.fromkeys(node.name for _, node in new):
                node = next(node for _, node in new if node.name == name)
                _, seen = self.extras.get((above, role, name), (None, 0))
                self.extras[above, role, name] = (Extra(node, above), seen + 1)

    def _pair(
        self, capture: Tree, old: Sequence[tuple[int, Node]], new: Sequence[tuple[int, Node]]
    ) -> bool:
        """Whether leaves that went and came are the same ones with other texts; then note them."""
        baseline = self.baseline
        if any(baseline.ends[at] != at + 1 for at, _ in old):
            return False
        if any(capture.ends[at] != at + 1 for at, _ in new):
            return False
        for (at, a), (_, b) in zip(old, new, strict=True):
            self._value(at, "name", a.name, b.name)
            if a.value != b.value:
                self._value(at, "value", a.value, b.value)
        return True

    def _count(self, script: EditScript, capture: Tree) -> None:
        """Note how many children of each role each surviving parent has there."""
        for i, target in enumerate(script.mapping):
            if target < 0 or not (self.baseline.children[i] or capture.children[target]):
                continue
            here = _by_role(self.baseline, i)
            there = _by_role(capture, target)
            if here == there:
                continue
            for role in here.keys() | there.keys():
                if here.get(role, 0) != there.get(role, 0):
                    counts = self.counts.setdefault((i, role), [here.get(role, 0)])
                    counts.append(there.get(role, 0))


def _roots(edit: Edit) -> Iterator[tuple[Node, int, int]]:
    """The topmost nodes of a piece: node, its index, its parent's."""
    inside = {place.at for place in edit.places}
    for node, place in zip(edit.nodes, edit.places, strict=True):
        if place.parent not in inside:
            yield node, place.at, place.parent


def _by_role(tree: Tree, index: int) -> dict[str, int]:
    counts: dict[str, int] = {}
    for child in tree.children[index]:
        role = tree.nodes[child].role
        counts[role] = counts.get(role, 0) + 1
    return counts


def _edge(change: Change) -> int:
    old, new = change.old, change.new
    if not isinstance(old, Bounds) or not isinstance(new, Bounds):
        return 0
    edges = (
        new.x - old.x,
        new.y - old.y,
        new.x + new.width - old.x - old.width,
        new.y + new.height - old.y - old.height,
    )
    return max(map(abs, edges))


def _text(value: object) -> str:
    """A field's value as the text that a pattern is matched with."""
    if value is None:
        return ""
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)
