"""What an edit is about: read once, for the rules and the wording."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from systemzero_core.diff import Change, Edit, EditKind, PathStep
from systemzero_core.grouping.model import Topic
from systemzero_core.normalize.role_tables import words
from systemzero_core.roles import CONTROLS, LANDMARKS
from systemzero_core.tree import Node

_OVERLAYS: Final = words("alert alertdialog dialog")
_PARTS: Final = LANDMARKS | words("heading table grid treegrid row columnheader tab tabpanel menu")
_PLAIN: Final = words("generic none presentation group") | {""}
"""Roles of what holds others together and shows nothing of its own."""
_TEXTS: Final = words("text paragraph statictext")
_AROUND: Final = LANDMARKS | words("document figure grid menu table tabpanel toolbar tree treegrid")
"""Where something is, as a person would say it."""
_TARGETS: Final = words("url href src action")
_MARKUP: Final = words("""
    actions automation-id class colindex colspan for id name package platform_role posinset
    resource-id role rowindex setsize style tag
""")
"""Attributes that say how a thing is made, not what it is to a user."""

_ORDER: Final = ("name", "value", "role", "states")
"""Fields of an update, what a person wants to know first; attributes follow, boxes come last."""


class Fact(NamedTuple):
    """One edit, and what it is about.

    Attributes:
        at: which edit of those told.
        edit: it.
        path: from the root to its node.
        topic: what it is about.
        change: the field of an update that says most; None of other edits.
    """

    at: int
    edit: Edit
    path: tuple[PathStep, ...]
    topic: Topic
    change: Change | None

    @property
    def is_update(self) -> bool:
        """Whether it changes fields of a node that stays."""
        return self.edit.kind is EditKind.UPDATE

    @property
    def step(self) -> PathStep:
        """The node itself."""
        return self.path[-1]

    @property
    def label(self) -> PathStep:
        """What people would call it: of a nameless part the thing in it that matters most."""
        step, nodes = self.step, self.edit.nodes
        if step.name or not nodes:
            return step
        above = self.path[-2].name if len(self.path) > 1 else ""
        named = [node for node in nodes if len(node.name) > 1 and node.name != above]
        best = min(named, key=lambda node: _of_node(node, above), default=nodes[0])
        return PathStep(best.role, best.name)

    @property
    def place(self) -> tuple[PathStep, ...]:
        """The way to the part of the page that the node is in."""
        return around(self.path[:-1])


def facts(edits: Sequence[Edit]) -> list[Fact]:
    """What each of `edits` is about."""
    return [_fact(at, edit) for at, edit in enumerate(edits)]


def around(path: Sequence[PathStep]) -> tuple[PathStep, ...]:
    """The way to the nearest part of the page that people would name; of a short one all."""
    for end in range(len(path), 0, -1):
        if path[end - 1].role in _AROUND:
            return tuple(path[:end])
    return tuple(path[:1])


def _fact(at: int, edit: Edit) -> Fact:
    path = edit.path or (PathStep("node"),)
    change = min(edit.changes, key=_weight_of, default=None)
    if edit.kind is EditKind.UPDATE:
        topic = _of_change(change, path[-1].role)
    elif edit.kind is EditKind.MOVE:
        topic = Topic.MOVE if path[-1].name or path[-1].role not in _PLAIN else Topic.MARKUP
    else:
        topic = _of_piece(edit, path)
    return Fact(at, edit, path, topic, change)


def _weight_of(change: Change) -> int:
    field = change.field
    if field in _ORDER:
        return _ORDER.index(field)
    key = field.removeprefix("attributes.")
    if key in _TARGETS:
        return 10
    return 40 if is_markup(key) else 30 if field == "bounds" else 20


def is_markup(key: str) -> bool:
    """Whether an attribute says nothing to a user."""
    return key in _MARKUP or key.startswith(("data-", "aria-controls", "aria-owns"))


def _of_change(change: Change | None, role: str) -> Topic:
    if change is None or change.field == "bounds":
        return Topic.LAYOUT
    key = change.field.removeprefix("attributes.")
    if key == "name" and key == change.field:
        return Topic.NAME if role in CONTROLS or role == "heading" else Topic.TEXT
    if key in ("value", "states"):
        return Topic.DETAIL if role in _PLAIN and key == "states" else Topic.STATE
    if key == "role" and key == change.field:
        return Topic.ROLE
    if key in _TARGETS:
        return Topic.TARGET
    return Topic.MARKUP if is_markup(key) else Topic.DETAIL


def _of_piece(edit: Edit, path: Sequence[PathStep]) -> Topic:
    above = path[-2].name if len(path) > 1 else ""
    nodes = edit.nodes or (Node(path[-1].role, path[-1].name),)
    topic = min(_of_node(node, above) for node in nodes)
    is_wrapper = edit.around[1] >= edit.size and not any(node.name for node in nodes)
    return Topic.MARKUP if is_wrapper and topic >= Topic.TEXT else topic


def _of_node(node: Node, above: str) -> Topic:
    if node.role in _OVERLAYS:
        return Topic.OVERLAY
    if node.role in CONTROLS:
        return Topic.CONTROL
    if node.role in _PARTS:
        return Topic.PART
    said = node.name not in ("", above) or node.value
    return Topic.TEXT if said or node.role not in _PLAIN | _TEXTS else Topic.MARKUP
