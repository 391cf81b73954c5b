"""Texts that the normal form left out on one side, where a node's name repeated them.

`link "Admin LTE"` over the texts `Admin` and `LTE` has no content in normal form; once it is named
`Start page`, its texts say something of their own and are content. They stood there before: that
they came is no edit. Nor did they go where an icon beside them did, and what is left says no more
than the name: they are still to be read. Such edits stay in the script, since `apply` needs them.
Invariants:

1. An edit is left out only where the node's name is put together from its texts on the other side,
   and something else is told of the node: that it is renamed, or what came or went beside them.
2. Linear: the texts of each node are read once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from systemzero_core.diff.edits import Mapping
from systemzero_core.diff.script import Edit, EditKind
from systemzero_core.normalize.filters import NAME_FROM_CONTENT
from systemzero_core.tree import Node, Tree


class FilteredEdits(NamedTuple):
    """The edits of a script, those that are told and those that are not."""

    edits: tuple[Edit, ...]
    unfolded: tuple[Edit, ...]


def apart(a: Tree, b: Tree, mapping: Mapping, edits: Sequence[Edit]) -> FilteredEdits:
    """`edits`, all that are between two trees, without those of texts that a name stands for."""
    renamed = [edit for edit in edits if any(c.field == "name" for c in edit.changes)]
    into_names = {edit.target: edit.node for edit in renamed}
    out_of_names = {edit.node: edit.target for edit in renamed}
    for edit in edits:
        if edit.nodes and not _is_text(edit):  # it came or went beside texts that it is told with
            if edit.kind is EditKind.INSERT and edit.to_parent >= 0:
                into_names[edit.to_parent] = mapping.to_a[edit.to_parent]
            elif edit.kind is EditKind.DELETE and edit.from_parent >= 0:
                out_of_names[edit.from_parent] = mapping.to_b[edit.from_parent]
    if not into_names and not out_of_names:
        return FilteredEdits(tuple(edits), ())
    into, out_of = _Side(b, a, into_names), _Side(a, b, out_of_names)
    told: list[Edit] = []
    unfolded: list[Edit] = []
    for edit in edits:
        is_insert, is_delete = edit.kind is EditKind.INSERT, edit.kind is EditKind.DELETE
        is_left_out = (is_insert and into.stood_for(edit, edit.to_parent)) or (
            is_delete and out_of.stood_for(edit, edit.from_parent)
        )
        (unfolded if is_left_out else told).append(edit)
    return FilteredEdits(tuple(told), tuple(unfolded))


class _Side:
    """The tree in which the texts stand, and the one in which a name stands for them."""

    def __init__(self, tree: Tree, other: Tree, partners: dict[int, int]) -> None:
        self._tree = tree
        self._other = other
        self._partners = partners
        self._texts: dict[int, str] = {}

    def stood_for(self, edit: Edit, parent: int) -> bool:
        """Whether the only node of `edit` is a text that the name of `parent` stands for."""
        if not _is_text(edit):
            return False
        partner = self._partners.get(parent, -1)
        if partner < 0:
            return False
        node, named = self._tree.nodes[parent], self._other.nodes[partner]
        if node.role not in NAME_FROM_CONTENT or named.role != node.role:
            return False
        said = _joined(named.name)
        return said in (_joined(edit.nodes[0].name), self._whole(parent))

    def _whole(self, parent: int) -> str:
        """What the texts right in a node say together; nothing where texts are deeper in it."""
        if parent not in self._texts:
            tree = self._tree
            below = range(parent + 1, tree.ends[parent])
            flat = all(tree.parents[i] == parent or not tree.nodes[i].name for i in below)
            texts = (tree.nodes[i] for i in below if tree.parents[i] == parent)
            said = "".join(node.name for node in texts if _is_plain(node)) if flat else ""
            self._texts[parent] = _joined(said)
        return self._texts[parent]


def _is_text(edit: Edit) -> bool:
    return len(edit.nodes) == 1 and _is_plain(edit.nodes[0])


def _is_plain(node: Node) -> bool:
    return node.role == "text" and bool(node.name) and not node.value and not node.states


def _joined(text: str) -> str:
    return "".join(text.split())
