"""A screen with something over it: what came over it is told apart from the screen itself.

Invariants:
1. An overlay is what came: its root is inserted. What the template has over its screen is a part
   of it.
2. A change is the overlay's where it only adds nodes to it. What the screen lost, also to the
   overlay, is the screen's own change.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from systemzero_core.diff import Edit, EditKind, SubtreeRange
from systemzero_core.diff.quoting import quoted
from systemzero_core.drift.model import JudgedEdit, Verdict
from systemzero_core.overlay import Overlay, overlays_of
from systemzero_core.tree import Node, Tree

MAX_OVERLAYS: Final = 8
"""Overlays that are told apart, at most."""

_WORDS: Final = {
    "alert": "message",
    "alertdialog": "dialog",
    "dialog": "dialog",
    "list": "menu",
    "listbox": "list of options",
    "log": "message",
    "menu": "menu",
    "status": "message",
    "tooltip": "tooltip",
}
_BENEATH: Final = {
    Verdict.UNCHANGED: "the screen itself is as its template says",
    Verdict.DRIFT: "the screen itself differs from its template, too",
    Verdict.INCONCLUSIVE: "of the screen itself nothing is in the capture",
}
_COMING: Final = frozenset(_WORDS) - {"list"}
"""What has such a role and came stands over the screen; of a list, its box has to say so."""


class Layers(NamedTuple):
    """What came over a screen, and the verdict on the screen by itself; see `Judgement`."""

    overlays: tuple[Overlay, ...] = ()
    beneath: Verdict | None = None

    @classmethod
    def of(cls, edits: Sequence[JudgedEdit], capture: Tree) -> Layers:
        """Those that `edits` tell of, of all the edits that count or of those that are open."""
        overlays = overlays_among(edits, capture)
        return cls(overlays, beneath(edits, overlays, capture) if overlays else None)

    def explained(self, screen_id: str) -> str:
        """All of it in a sentence; nothing where nothing came over the screen."""
        if self.beneath is None:
            return ""
        over = " and ".join(overlay.sentence for overlay in self.overlays)
        return f"over screen “{screen_id}” came {over}; {_BENEATH[self.beneath]}"


NO_LAYERS: Final = Layers()


def overlays_among(edits: Sequence[JudgedEdit], capture: Tree) -> tuple[Overlay, ...]:
    """What came over the screen, in document order, by the edits that count."""
    added = {place.at for edit in edits for place in _added(edit.edit)}
    if not added:
        return ()
    roles = [i for i in sorted(added) if capture.nodes[i].role in _COMING and _says(capture, i)]
    found: list[Overlay] = []
    end = 0
    for root in sorted({*roles, *added.intersection(overlays_of(capture))}):
        if root >= end and len(found) < MAX_OVERLAYS:
            end = capture.ends[root]
            found.append(_overlay(capture, root))
    return tuple(found)


def beneath(edits: Sequence[JudgedEdit], overlays: Sequence[Overlay], capture: Tree) -> Verdict:
    """The verdict on the screen by itself; INCONCLUSIVE where nothing but overlays is seen."""
    over = {at for each in overlays for at in range(each.node, capture.ends[each.node])}
    not_it = over | {at for each in overlays for at in capture.ancestors(each.node)}
    beside = [node for i, node in enumerate(capture.nodes) if i and i not in not_it]
    if not any(map(_shows, beside)):
        return Verdict.INCONCLUSIVE
    alone = all(_is_over(each.edit, over) for each in edits)
    return Verdict.UNCHANGED if alone else Verdict.DRIFT


def _added(edit: Edit) -> Iterator[SubtreeRange]:
    return iter(edit.places if edit.kind is EditKind.INSERT else ())


def _is_over(edit: Edit, over: set[int]) -> bool:
    """Whether all that an edit adds is an overlay's, but for nodes around it that show nothing."""
    if edit.kind is not EditKind.INSERT:
        return False
    outside = [n for n, p in zip(edit.nodes, edit.places, strict=True) if p.at not in over]
    return len(outside) < len(edit.nodes) and not any(map(_shows, outside))


def _shows(node: Node) -> bool:
    return bool(node.name or node.value)


def _says(capture: Tree, root: int) -> bool:
    return any(map(_shows, capture.nodes[root : capture.ends[root]]))


def _overlay(capture: Tree, root: int) -> Overlay:
    node, inside = capture.nodes[root], capture.nodes[root : capture.ends[root]]
    headings = (each.name for each in inside if each.role == "heading" and each.name)
    texts = (each.name for each in inside if each.name)
    label = node.name or next(headings, "") or next(texts, "")
    word = _WORDS.get(node.role, "panel")
    called = f" {quoted(label)}" if label else ""
    count = f"{len(inside)} node{'s' * (len(inside) != 1)}"
    return Overlay(word, label, root, len(inside), f"{word}{called} ({count})")
