"""Texts that the normal form left out on one side, where a node's name repeated them.

`link "Admin LTE"` over the texts `Admin` and `LTE` has no content in normal form; once it is named
`Start page`, its texts say something of their own and are content. They stood there before: that
they came is no edit. Such edits stay in the script, since `apply` needs them. Invariants:

1. An edit is left out only where the node's name, which differs, is put together from its texts on
   the other side, and the rename is told.
2. Linear: the texts of each node are read once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from systemzero_core.diff.script import Edit, EditKind
from systemzero_core.normalize.filters import NAME_FROM_CONTENT
from systemzero_core.tree import Node, Tree


class FilteredEdits(NamedTuple):
    """The edits of a script, those that are told and those that are not."""

    edits: tuple[Edit, ...]
    unfolded: tuple[Edit, ...]


def apart(a: Tree, b: Tree, edits: Sequence[Edit]) -> FilteredEdits:
    """`edits` without those of texts that a name stood for on the other side."""
    renamed = [edit for edit in edits if any(c.field == "name" for c in edit.changes)]
    into = _Side(b, a, {edit.target: edit.node for edit in renamed})
    out_of = _Side(a, b, {edit.node: edit.target for edit in renamed})
    told: list[Edit] = []
    unfolded: list[Edit] = []
    for edit in edits if renamed else ():
        is_insert, is_delete = edit.kind is EditKind.INSERT, edit.kind is EditKind.DELETE
        is_left_out = (is_insert and into.stood_for(edit, edit.to_parent)) or (
            is_delete and out_of.stood_for(edit, edit.from_parent)
        )
        (unfolded if is_left_out else told).append(edit)
    return FilteredEdits(tuple(told) if renamed else tuple(edits), tuple(unfolded))


class _Side:
    """The tree in which the texts stand, and the one in which a name stands for them."""

    def __init__(self, tree: Tree, other: Tree, partners: Mapping[int, int]) -> None:
        self._tree = tree
        self._other = other
        self._partners = partners
        self._texts: dict[int, str] = {}

    def stood_for(self, edit: Edit, parent: int) -> bool:
        """Whether the only node of `edit` is a text that the name of `parent` stood for."""
        if edit.size != 1 or not _is_plain(edit.nodes[0]):
            return False
        partner = self._partners.get(parent)
        if partner is None:
            return False
        node, named = self._tree.nodes[parent], self._other.nodes[partner]
        if node.role not in NAME_FROM_CONTENT or named.role != node.role:
            return False
        said = _joined(named.name)
        return said in (_joined(edit.nodes[0].name), self._whole(parent))

    def _whole(self, parent: int) -> str:
        """All content of a node put together where it is texts alone, else nothing."""
        if parent not in self._texts:
            below = range(parent + 1, self._tree.ends[parent])
            flat = all(
                self._tree.parents[i] == parent and _is_plain(self._tree.nodes[i]) for i in below
            )
            said = "".join(self._tree.nodes[i].name for i in below) if flat else ""
            self._texts[parent] = _joined(said)
        return self._texts[parent]


def _is_plain(node: Node) -> bool:
    return node.role == "text" and bool(node.name) and not node.value and not node.states


def _joined(text: str) -> str:
    return "".join(text.split())
