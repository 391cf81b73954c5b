"""The edit script: what a diff says, as values.

The words are GumTree's (Falleri et al., ASE 2014): *mapping*, *insert*, *delete*, *update*, *move*.
Inserting and deleting follow the tree edit distance (Zhang and Shasha, 1989): a deleted node hands
its surviving children to its parent, an inserted node may take children over, so that wrapping
five rows in a new group is one insert, not one insert and five moves.

Invariants of every script that `diff` makes:
1. Self-contained: `apply` needs the script and `a` alone, `invert` the script alone.
2. Every node of `a` is deleted by exactly one edit or mapped; every node of `b` is inserted by
   exactly one edit or mapped.
3. Inserted (deleted) nodes that hang together are one edit, named by their root.
4. Indices are document-order indices: `node` and `from_parent` in `a`, `target` and `to_parent` in
   `b`; -1 where there is none (above a root, or on the side where the node does not exist).
5. Linear in the trees: an edit holds a node's place. Its path and its sentence are made when they
   are asked for, and are not kept: of a deep tree, they are many times larger than the tree.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec

from systemzero_core.tree import Bounds, Node

FieldValue: TypeAlias = str | tuple[str, ...] | Bounds | None
"""A field's value; None where an attribute, or a box, is absent."""


class EditKind(StrEnum):
    """What an edit does."""

    INSERT = "insert"
    DELETE = "delete"
    UPDATE = "update"
    MOVE = "move"


class Change(msgspec.Struct, frozen=True, gc=False):
    """One field of one node that differs.

    Attributes:
        field: `role`, `name`, `value`, `states`, `bounds`, `platform_role`, or `attributes.KEY`.
        old: the value in `a`.
        new: the value in `b`.
    """

    field: str
    old: FieldValue
    new: FieldValue


class PathStep(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One node on the way from the root.

    Attributes:
        role: the node's role.
        name: its accessible name, whole.
        nth: 1-based place among the siblings of the same role and name; 0 where it is the only one.
    """

    role: str
    name: str = ""
    nth: int = 0


class SubtreeRange(NamedTuple):
    """Where a deleted node stood in `a`, or an inserted one stands in `b`."""

    at: int
    parent: int
    end: int
    """The index one past its subtree's last node."""


NOTHING_AROUND: Final = (-1, 0)
"""Of what came or went whole; see `Edit.around`."""

MAX_PATH_STEPS = 64
"""Steps of a path, at most: those nearest to the node are kept."""


class Teller(Protocol):
    """Who knows the trees that edits are about, and says what people read of an edit."""

    def path(self, edit: Edit, most: int) -> tuple[PathStep, ...]:
        """See `Edit.path`; of its steps at most the last `most`."""

    def parent(self, edit: Edit, most: int) -> tuple[PathStep, ...]:
        """See `Edit.parent`; of its steps at most the last `most`."""

    def depth(self, edit: Edit) -> int:
        """See `Edit.depth`."""

    def sentence(self, edit: Edit) -> str:
        """See `Edit.sentence`."""

    def turned(self) -> Teller:
        """Who tells of the edits that lead back."""


class RecordedTeller(msgspec.Struct, frozen=True, gc=False):
    """What was told of one edit, of which the trees are not at hand."""

    steps: tuple[PathStep, ...] = ()
    parent_steps: tuple[PathStep, ...] = ()
    said: str = ""

    def path(self, edit: Edit, most: int) -> tuple[PathStep, ...]:
        """As it was told."""
        return self.steps[-most:]

    def parent(self, edit: Edit, most: int) -> tuple[PathStep, ...]:
        """As it was told."""
        return self.parent_steps[-most:]

    def depth(self, edit: Edit) -> int:
        """The steps that were told."""
        return len(self.steps)

    def sentence(self, edit: Edit) -> str:
        """As it was told."""
        return self.said

    def turned(self) -> RecordedTeller:
        """Nothing was told of the way back."""
        return RecordedTeller()


class Edit(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One edit.

    Attributes:
        kind: what it does.
        node: index in `a` (of the root, for a delete), -1 for an insert.
        target: index in `b` (of the root, for an insert), -1 for a delete.
        size: nodes inserted or deleted; for a move, nodes of the subtree in `a`; 1 for an update.
        changes: the fields of an update, in the order of `Node`'s fields.
        from_parent: index in `a` of the node's parent.
        to_parent: index in `b` of the node's parent.
        nodes: the nodes inserted or deleted, in document order.
        places: where each of `nodes` stands.
        beside: what its sentence says at its end of others that it stands for.
        others: those others.
        boxes: changes of boxes that it stands for and says nothing of: of an update the node's own,
            of a move those within. Each with its node's index in `a`, counted from this node's.
        around: the first node within what came (in `b`) or went (in `a`) that did not come or go
            with it, and how many there are; `(-1, 0)` where all of it came or went.
        teller: who knows its path and its sentence.
    """

    kind: EditKind
    node: int = -1
    target: int = -1
    size: int = 1
    changes: tuple[Change, ...] = ()
    from_parent: int = -1
    to_parent: int = -1
    nodes: tuple[Node, ...] = ()
    places: tuple[SubtreeRange, ...] = ()
    beside: str = ""
    others: tuple[Edit, ...] = ()
    boxes: tuple[tuple[int, Change], ...] = ()
    around: tuple[int, int] = NOTHING_AROUND
    teller: Teller = RecordedTeller()

    @property
    def path(self) -> tuple[PathStep, ...]:
        """From the root to the node in `a` (in `b` for an insert), the node itself last.

        Of a node deeper than `MAX_PATH_STEPS` the steps nearest to it.
        """
        return self.teller.path(self, MAX_PATH_STEPS)

    @property
    def parent(self) -> tuple[PathStep, ...]:
        """Path of the parent in `b` (in `a` for a delete)."""
        return self.teller.parent(self, MAX_PATH_STEPS)

    @property
    def sentence(self) -> str:
        """What happened, as a person would say it."""
        return self.teller.sentence(self)

    @property
    def depth(self) -> int:
        """Steps of the whole path from the root to the node, 1 for the root."""
        return self.teller.depth(self)

    def last_steps(self, most: int) -> tuple[PathStep, ...]:
        """Of `path` the last steps, at most `most` (1 to `MAX_PATH_STEPS`)."""
        return self.teller.path(self, most)

    def last_parent_steps(self, most: int) -> tuple[PathStep, ...]:
        """Of `parent` the last steps, at most `most` (1 to `MAX_PATH_STEPS`)."""
        return self.teller.parent(self, most)


class Composed(NamedTuple):
    """A name that is put together from the node's content, before and after: it changed with it.

    No edit, since the content's own edits tell it; `node` is an index in `a`, `target` in `b`.
    """

    node: int
    target: int
    old: str
    new: str


class EditScript(msgspec.Struct, frozen=True, gc=False):
    """All edits that turn `a` into `b`, in document order of where they are seen.

    Attributes:
        edits: the edits; empty exactly when `a == b`.
        mapping: for each node of `a` the index in `b` of the same node, -1 where it is deleted.
        target_size: nodes of `b`.
        degraded: empty, or what was approximated because the work budget was used up. The script
            is exact either way; a degraded one may be longer than it need be.
        composed: names that changed with the content that they are made of, by node.
        unfolded: inserts and deletes of texts that a name stood for on the other side.
    """

    edits: tuple[Edit, ...]
    mapping: tuple[int, ...]
    target_size: int
    degraded: str = ""
    composed: tuple[Composed, ...] = ()
    unfolded: tuple[Edit, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything differs."""
        return bool(self.edits)

    @property
    def cost(self) -> int:
        """Node-level cost: nodes inserted and deleted, plus updates, plus moves."""
        return sum(e.size if e.nodes else 1 for e in self.edits)

    def sources(self) -> list[int]:
        """The mapping read backwards: for each node of `b` the index in `a`, -1 where inserted."""
        found = [-1] * self.target_size
        for index, target in enumerate(self.mapping):
            if target >= 0:
                found[target] = index
        return found
