"""`apply` and `invert`: what makes an edit script evidence and not only a story.

Applying reads the edits, the composed names and the unfolded texts alone. Nodes that neither moved
nor went keep their order under their nearest surviving ancestor, so that it is enough to know where
inserted nodes begin and end and under which parent moved ones begin: document order settles the
rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from systemzero_core.diff.script import (
    Change,
    Composed,
    Edit,
    EditKind,
    EditScript,
    FieldValue,
    SubtreeRange,
    Teller,
)
from systemzero_core.errors import FailedPrecondition
from systemzero_core.tree import Node, Tree

_ATTRIBUTE = "attributes."


def apply(script: EditScript, a: Tree) -> Tree:
    """The tree that `script` turns `a` into.

    Raises:
        FailedPrecondition: the script was not made for `a`, or was altered.
    """
    if len(a) != len(script.mapping):
        raise FailedPrecondition(
            f"the script is for a tree of {len(script.mapping)} nodes, this one has {len(a)}"
        )
    return _patched(script, a)


def invert(script: EditScript) -> EditScript:
    """The script that leads back: applying it to `b` yields `a`."""
    tellers = {edit.teller: edit.teller.turned() for edit in (*script.edits, *script.unfolded)}
    return EditScript(
        edits=tuple(_inverted(edit, tellers) for edit in script.edits),
        mapping=tuple(script.sources()),
        target_size=len(script.mapping),
        degraded=script.degraded,
        composed=tuple(sorted(Composed(c.target, c.node, c.new, c.old) for c in script.composed)),
        unfolded=tuple(_inverted(edit, tellers) for edit in script.unfolded),
    )


_INVERSE = {
    EditKind.INSERT: EditKind.DELETE,
    EditKind.DELETE: EditKind.INSERT,
    EditKind.UPDATE: EditKind.UPDATE,
    EditKind.MOVE: EditKind.MOVE,
}


def _inverted(edit: Edit, tellers: Mapping[Teller, Teller]) -> Edit:
    return msgspec.structs.replace(
        edit,
        kind=_INVERSE[edit.kind],
        node=edit.target,
        target=edit.node,
        changes=tuple(Change(c.field, c.new, c.old) for c in edit.changes),
        from_parent=edit.to_parent,
        to_parent=edit.from_parent,
        teller=tellers[edit.teller],
    )


class _Edits:
    """The edits of a script by what they do, checked against `a` as far as they quote it."""

    def __init__(self, script: EditScript, a: Tree) -> None:
        self.gone = bytearray(len(a))
        self.moved: dict[int, Edit] = {}  # by target
        self.updated: dict[int, Edit] = {}  # by node
        self.inserted: dict[int, tuple[SubtreeRange, Node]] = {}  # by target
        self.composed = {name.node: name for name in script.composed}
        for edit in (*script.edits, *script.unfolded):
            if len(edit.places) != len(edit.nodes):
                raise FailedPrecondition("an edit of the script has other places than nodes")
            if edit.kind is EditKind.INSERT:
                for place, node in zip(edit.places, edit.nodes, strict=True):
                    self.inserted[place.at] = (place, node)
            elif edit.kind is EditKind.DELETE:
                self._take_delete(edit, a)
            elif edit.kind is EditKind.MOVE:
                self.moved[edit.target] = edit
            else:
                self.updated[edit.node] = edit

    def _take_delete(self, edit: Edit, a: Tree) -> None:
        for place, node in zip(edit.places, edit.nodes, strict=True):
            if not 0 <= place.at < len(a) or a.nodes[place.at] != node:
                raise FailedPrecondition(f"node {place.at} is not the one that the script deletes")
            self.gone[place.at] = 1


def _staying(edits: _Edits, a: Tree) -> dict[int, Iterator[int]]:
    """For each kept node (-1: above the root) its kept, unmoved children, gone ones spliced."""
    moved = {edit.node for edit in edits.moved.values()}
    nearest: list[int] = []
    lists: dict[int, list[int]] = {-1: []}
    for i, parent in enumerate(a.parents):
        above = nearest[parent] if parent >= 0 and edits.gone[parent] else parent
        nearest.append(above)
        if not edits.gone[i]:
            lists[i] = []
            if i not in moved:
                lists[above].append(i)
    return {i: iter(children) for i, children in lists.items()}


class _Growth:
    """The new tree as it grows: a stack of open nodes, each `(index in b, kept node of a)`.

    An inserted node takes its children from the nearest kept node around it.
    """

    def __init__(self, staying: dict[int, Iterator[int]]) -> None:
        self.staying = staying
        self.open: list[tuple[int, int]] = [(-1, -1)]
        self.closing: list[tuple[int, int]] = []  # inserted nodes: (end, depth of the stack below)
        self.parents: list[int] = []

    def begin(self, at: int) -> None:
        """Close the inserted nodes that end at `at`, with all that is open inside them."""
        while self.closing and self.closing[-1][0] <= at:
            del self.open[self.closing.pop()[1] :]

    def insert(self, place: SubtreeRange) -> None:
        """Open an inserted node."""
        self._close_down_to(place.parent)
        self.closing.append((place.end, len(self.open)))
        self._append(place.at, self.open[-1][1])

    def move(self, edit: Edit) -> None:
        """Open a moved node."""
        self._close_down_to(edit.to_parent)
        self._append(edit.target, edit.node)

    def stay(self, at: int) -> int:
        """Open the next node that neither moved nor went; its index in `a`."""
        while self.open:
            kept = self.open[-1][1]
            found = next(self.staying[kept], -1)
            if found >= 0:
                self._append(at, found)
                return found
            if self.closing and self.closing[-1][1] == len(self.open) - 1:
                break  # an inserted node is still open, and nothing is left to fill it
            self.open.pop()
        raise FailedPrecondition(f"the script leaves node {at} of the result open")

    def _append(self, at: int, kept: int) -> None:
        self.parents.append(self.open[-1][0])
        self.open.append((at, kept))

    def _close_down_to(self, parent: int) -> None:
        while self.open and self.open[-1][0] != parent:
            self.open.pop()
        if not self.open:
            raise FailedPrecondition(f"the script's parent {parent} is not open where it is needed")
        while self.closing and self.closing[-1][1] >= len(self.open):
            self.closing.pop()


def _patched(script: EditScript, a: Tree) -> Tree:
    edits = _Edits(script, a)
    growth = _Growth(_staying(edits, a))
    nodes: list[Node] = []
    for at in range(script.target_size):
        growth.begin(at)
        if at in edits.inserted:
            place, node = edits.inserted[at]
            growth.insert(place)
            nodes.append(node)
            continue
        if at in edits.moved:
            growth.move(edits.moved[at])
            source = edits.moved[at].node
        else:
            source = growth.stay(at)
        node, update, name = a.nodes[source], edits.updated.get(source), edits.composed.get(source)
        node = node if update is None else _updated(node, update)
        nodes.append(node if name is None else _renamed(node, name))
    if len(nodes) != len(a) - sum(edits.gone) + len(edits.inserted):
        raise FailedPrecondition("the script does not account for every node of the tree")
    return Tree(nodes, growth.parents)


def _updated(node: Node, edit: Edit) -> Node:
    fields: dict[str, FieldValue] = {}
    attributes = dict(node.attributes)
    for change in edit.changes:
        name = change.field
        if name.startswith(_ATTRIBUTE):
            key = name.removeprefix(_ATTRIBUTE)
            matches = attributes.get(key) == change.old
            _set(attributes, key, change.new)
        else:
            matches = getattr(node, name) == change.old
            fields[name] = change.new
        if not matches:
            raise FailedPrecondition(f"node {edit.node} has another {name} than the script expects")
    pairs = tuple(sorted(attributes.items()))
    return msgspec.structs.replace(node, attributes=pairs, **fields)


def _renamed(node: Node, name: Composed) -> Node:
    if node.name != name.old:
        raise FailedPrecondition(f"node {name.node} has another name than the script expects")
    return msgspec.structs.replace(node, name=name.new)


def _set(attributes: dict[str, str], key: str, value: FieldValue) -> None:
    if value is None:
        attributes.pop(key, None)
    else:
        attributes[key] = str(value)
