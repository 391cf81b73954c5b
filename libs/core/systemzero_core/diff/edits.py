"""From a mapping to the edits: deletes, moves and updates as `a` reads, inserts as `b` reads.

Any one-to-one mapping makes an exact script; a good one makes a short script. Which nodes moved
follows from the mapping: splice the unmapped nodes out of both trees, and a node moved if it hangs
under another node than before, or is not part of the longest run of siblings that kept their order
(Chawathe et al., SIGMOD 1996).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

from systemzero_core.diff.describe import EditTeller
from systemzero_core.diff.prepared import Prepared
from systemzero_core.diff.script import NOTHING_AROUND, Change, Edit, EditKind, SubtreeRange
from systemzero_core.diff.sequences import longest_increasing
from systemzero_core.diff.walk import neighbours
from systemzero_core.tree import Node, Tree

_FIELDS = ("role", "name", "value", "states", "bounds", "platform_role")


class Mapping:
    """Which node of `a` is which of `b`.

    Attributes:
        to_b: for each node of `a` its index in `b`, -1 where it has none.
        to_a: the same, read backwards.
    """

    __slots__ = ("_free_a", "_free_b", "_indices_a", "_indices_b", "to_a", "to_b")

    def __init__(self, a: Tree, b: Tree) -> None:
        size_a, size_b = len(a), len(b)
        self._indices_a = a.indices
        self._indices_b = b.indices
        self.to_b = [-1] * size_a
        self.to_a = [-1] * size_b
        # Bytes are searched many times faster than lists: 1 where there is no partner.
        self._free_a = bytearray(b"\1") * size_a
        self._free_b = bytearray(b"\1") * size_b

    def add(self, x: int, y: int) -> None:
        """Map two nodes."""
        self.to_b[x] = y
        self.to_a[y] = x
        self._free_a[x] = self._free_b[y] = 0

    def add_slice(self, x: int, y: int, size: int) -> None:
        """Map the `size` nodes from `x` on to those from `y` on, in document order."""
        self.to_b[x : x + size] = self._indices_b[y : y + size]
        self.to_a[y : y + size] = self._indices_a[x : x + size]
        self._free_a[x : x + size] = self._free_b[y : y + size] = bytes(size)

    def is_free(self, x: int, y: int, size: int) -> bool:
        """Whether none of the `size` nodes from `x` on, and from `y` on, has a partner."""
        taken = self._free_a.find(0, x, x + size)
        return taken < 0 and self._free_b.find(0, y, y + size) < 0

    def deleted(self) -> list[int]:
        """The nodes of `a` without a partner, in order."""
        return _ones(self._free_a)

    def inserted(self) -> list[int]:
        """The nodes of `b` without a partner, in order."""
        return _ones(self._free_b)


def _ones(flags: bytearray) -> list[int]:
    found: list[int] = []
    at = flags.find(1)
    while at >= 0:
        found.append(at)
        at = flags.find(1, at + 1)
    return found


def changes_between(old: Node, new: Node) -> tuple[Change, ...]:
    """The fields that differ; attributes one by one."""
    found = [
        Change(name, getattr(old, name), getattr(new, name))
        for name in _FIELDS
        if getattr(old, name) != getattr(new, name)
    ]
    if old.attributes != new.attributes:
        before, after = dict(old.attributes), dict(new.attributes)
        found.extend(
            Change(f"attributes.{key}", before.get(key), after.get(key))
            for key in sorted(before.keys() | after.keys())
            if before.get(key) != after.get(key)
        )
    return tuple(found)


class _Surviving:
    """The nearest mapped node above a node; -1 above the root. Linear over all questions."""

    def __init__(self, parents: Sequence[int], mapped: Sequence[int]) -> None:
        self._parents = parents
        self._mapped = mapped
        self._known: dict[int, int] = {}

    def above(self, index: int) -> int:
        parents, mapped, known = self._parents, self._mapped, self._known
        parent = parents[index]
        if parent < 0 or mapped[parent] >= 0:
            return parent
        passed: list[int] = []
        while parent >= 0 and mapped[parent] < 0 and parent not in known:
            passed.append(parent)
            parent = parents[parent]
        found = known.get(parent, parent)
        for i in passed:
            known[i] = found
        return found


def moved_nodes(
    a: Tree, b: Tree, mapping: Mapping, slices: Iterable[tuple[int, int, int]]
) -> list[int]:
    """Which nodes of `a` moved, in document order.

    Args:
        a: the tree before.
        b: the tree after.
        mapping: which node is which.
        slices: the same in pieces `(x, y, size)`: one node, or neighbouring subtrees, whole.
    """
    to_b, to_a = mapping.to_b, mapping.to_a
    parents_a, parents_b = a.parents, b.parents
    surviving_a, surviving_b = _Surviving(parents_a, to_b), _Surviving(parents_b, to_a)
    moved: list[int] = []
    families: dict[int, list[tuple[int, int, int]]] = {}
    for piece in slices:
        x, y, size = piece
        parent, other = parents_a[x], parents_b[y]
        if parent < 0 or other < 0 or to_b[parent] != other:
            parent, other = surviving_a.above(x), surviving_b.above(y)
            if (to_b[parent] if parent >= 0 else -1) != other:
                moved += neighbours(a.ends, x, x + size)
                continue
        families.setdefault(parent, []).append(piece)
    for family in families.values():
        if len(family) == 1:
            continue
        family.sort()
        if any(before[1] > after[1] for before, after in pairwise(family)):
            members = [i for x, _, size in family for i in neighbours(a.ends, x, x + size)]
            still = set(longest_increasing([to_b[i] for i in members]))
            moved += [i for k, i in enumerate(members) if k not in still]
    return sorted(moved)


def changed_nodes(a: Prepared, b: Prepared, slices: Iterable[tuple[int, int, int]]) -> list[int]:
    """Which nodes of `a` have other fields in `b`, in document order; `slices` as above."""
    old, new = a.exact, b.exact
    changed: list[int] = []
    for x, y, size in slices:
        if old[x : x + size] != new[y : y + size]:
            changed += [x + k for k in range(size) if old[x + k] != new[y + k]]
    return sorted(changed)


def _components(tree: Tree, left: Iterable[int]) -> dict[int, list[int]]:
    """The leftover nodes that hang together, by their root; each list in document order."""
    roots: dict[int, int] = {}
    parts: dict[int, list[int]] = {}
    parents = tree.parents
    for i in left:
        root = roots.get(parents[i], i)
        roots[i] = root
        parts.setdefault(root, []).append(i)
    return parts


class Findings(NamedTuple):
    """What follows from a mapping, each list in document order.

    Attributes:
        deleted: nodes of `a` without a partner.
        inserted: nodes of `b` without a partner.
        moved: nodes of `a` that moved.
        changed: nodes of `a` whose fields differ from those of the node of `b`.
        composed: those of them whose names are no edits; see `composed.py`.
    """

    deleted: list[int]
    inserted: list[int]
    moved: list[int]
    changed: list[int]
    composed: Set[int] = frozenset()


def build_edits(a: Prepared, b: Prepared, mapping: Mapping, found: Findings) -> tuple[Edit, ...]:
    """The edits in the order of `a`, each insert after the node that `b` shows before it."""
    write = _Writer(a, b, mapping)
    edits: list[tuple[int, int, Edit]] = [
        *((i, 0, write.delete(i, part)) for i, part in _components(a.tree, found.deleted).items()),
        *((i, 1, write.move(i)) for i in found.moved),
    ]
    for i in found.changed:
        changes = write.changes(i, composed=i in found.composed)
        if changes:
            edits.append((i, 2, write.update(i, changes)))
    befores: dict[int, int] = {}  # by the last node of each insert: others may follow it at once
    for root, part in _components(b.tree, found.inserted).items():
        known = mapping.to_a[root - 1] if root else -1
        before = befores[part[-1]] = known if known >= 0 else befores.get(root - 1, -1)
        edits.append((before, 3 + root, write.insert(root, part)))
    edits.sort(key=itemgetter(0, 1))
    return tuple([edit for _, _, edit in edits])


class _Writer:
    """Writes single edits."""

    def __init__(self, a: Prepared, b: Prepared, mapping: Mapping) -> None:
        self._a = a.tree
        self._b = b.tree
        self._to_b = mapping.to_b
        self._teller = EditTeller(a.paths, b.paths)

    def delete(self, root: int, part: list[int]) -> Edit:
        return Edit(
            kind=EditKind.DELETE,
            node=root,
            size=len(part),
            from_parent=self._a.parents[root],
            nodes=tuple([self._a.nodes[i] for i in part]),
            places=_places(self._a, part),
            around=_around(self._a, part),
            teller=self._teller,
        )

    def insert(self, root: int, part: list[int]) -> Edit:
        return Edit(
            kind=EditKind.INSERT,
            target=root,
            size=len(part),
            to_parent=self._b.parents[root],
            nodes=tuple([self._b.nodes[i] for i in part]),
            places=_places(self._b, part),
            around=_around(self._b, part),
            teller=self._teller,
        )

    def move(self, node: int) -> Edit:
        return self._edit(EditKind.MOVE, node, self._a.ends[node] - node, ())

    def changes(self, node: int, *, composed: bool) -> tuple[Change, ...]:
        """The fields of `node` that differ and are told."""
        found = changes_between(self._a.nodes[node], self._b.nodes[self._to_b[node]])
        return tuple([c for c in found if c.field != "name"]) if composed else found

    def update(self, node: int, changes: tuple[Change, ...]) -> Edit:
        return self._edit(EditKind.UPDATE, node, 1, changes)

    def _edit(self, kind: EditKind, node: int, size: int, changes: tuple[Change, ...]) -> Edit:
        target = self._to_b[node]
        return Edit(
            kind=kind,
            node=node,
            target=target,
            size=size,
            changes=changes,
            from_parent=self._a.parents[node],
            to_parent=self._b.parents[target],
            teller=self._teller,
        )


def _places(tree: Tree, part: list[int]) -> tuple[SubtreeRange, ...]:
    return tuple([SubtreeRange(i, tree.parents[i], tree.ends[i]) for i in part])


def _around(tree: Tree, part: list[int]) -> tuple[int, int]:
    """What stands within `part`, nodes that hang together, and is no part of it; see `Edit`."""
    root = part[0]
    count = tree.ends[root] - root - len(part)
    if not count:
        return NOTHING_AROUND
    first = next((i for i, node in enumerate(part, root) if node != i), root + len(part))
    return first, count
