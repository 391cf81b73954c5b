"""From a mapping to the edits: deletes, moves and updates as `a` reads, inserts as `b` reads.

Any one-to-one mapping makes an exact script; a good one makes a short script. Which nodes moved
follows from the mapping: splice the unmapped nodes out of both trees, and a node moved if it hangs
under another node than before, or is not part of the longest run of siblings that kept their order
(Chawathe et al., SIGMOD 1996).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from systemzero_core.diff.describe import Paths, sentence
from systemzero_core.diff.script import Change, Edit, EditKind, Place
from systemzero_core.diff.sequences import longest_increasing
from systemzero_core.tree import Node, Tree

_FIELDS = ("role", "name", "value", "states", "bounds", "platform_role")


class Mapping:
    """Which node of `a` is which of `b`.

    Attributes:
        to_b: for each node of `a` its index in `b`, -1 where it has none.
        to_a: the same, read backwards.
    """

    __slots__ = ("to_a", "to_b")

    def __init__(self, size_a: int, size_b: int) -> None:
        self.to_b = [-1] * size_a
        self.to_a = [-1] * size_b

    def add(self, x: int, y: int, size: int = 1) -> None:
        """Map the `size` nodes from `x` on to those from `y` on, in document order."""
        if size == 1:
            self.to_b[x] = y
            self.to_a[y] = x
        else:
            self.to_b[x : x + size] = range(y, y + size)
            self.to_a[y : y + size] = range(x, x + size)


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


def moved_nodes(a: Tree, b: Tree, mapping: Mapping, kept: Iterable[int]) -> list[int]:
    """Which of the mapped nodes `kept` of `a` moved, in document order.

    A node may be left out of `kept` where it and its siblings are known to be where they were.
    """
    to_b = mapping.to_b
    surviving_a = _Surviving(a.parents, to_b)
    surviving_b = _Surviving(b.parents, mapping.to_a)
    moved: list[int] = []
    families: dict[int, list[int]] = {}
    for i in kept:
        parent = surviving_a.above(i)
        if (to_b[parent] if parent >= 0 else -1) == surviving_b.above(to_b[i]):
            families.setdefault(parent, []).append(i)
        else:
            moved.append(i)
    for family in families.values():
        targets = [to_b[i] for i in family]
        if any(x > y for x, y in pairwise(targets)):
            still = set(longest_increasing(targets))
            moved += [i for k, i in enumerate(family) if k not in still]
    return sorted(moved)


def _components(tree: Tree, mapped: Sequence[int]) -> dict[int, list[int]]:
    """The unmapped nodes that hang together, by their root; each list in document order."""
    roots: dict[int, int] = {}
    parts: dict[int, list[int]] = {}
    parents = tree.parents
    for i in [k for k, other in enumerate(mapped) if other < 0]:
        root = roots.get(parents[i], i)
        roots[i] = root
        parts.setdefault(root, []).append(i)
    return parts


def build_edits(
    a: Tree, b: Tree, mapping: Mapping, moved: Iterable[int], changed: Iterable[int]
) -> tuple[Edit, ...]:
    """The edits in the order of `a`, each insert before the first edit that `b` shows after it.

    Args:
        a: the tree before.
        b: the tree after.
        mapping: which node is which.
        moved: nodes of `a` that moved.
        changed: nodes of `a` whose fields differ from those of the node of `b`.
    """
    paths_a, paths_b = Paths(a), Paths(b)
    to_b = mapping.to_b
    edits: list[tuple[int, int, Edit]] = [
        *(
            (root, 0, _delete(a, paths_a, root, part))
            for root, part in _components(a, to_b).items()
        ),
        *((i, 1, _move(a, b, paths_a, paths_b, i, to_b[i])) for i in moved),
        *((i, 2, _update(a, b, paths_a, paths_b, i, to_b[i])) for i in changed),
    ]
    for root, part in _components(b, mapping.to_a).items():
        before = mapping.to_a[root - 1] if root else -1
        edits.append((before, 3 + root, _insert(b, paths_b, root, part)))
    edits.sort(key=lambda item: item[:2])
    return tuple(edit for _, _, edit in edits)


def _said(edit: Edit) -> Edit:
    return msgspec.structs.replace(edit, sentence=sentence(edit))


def _delete(a: Tree, paths: Paths, root: int, part: list[int]) -> Edit:
    path = paths.path(root)
    return _said(
        Edit(
            kind=EditKind.DELETE,
            node=root,
            size=len(part),
            path=path,
            parent=path[:-1],
            from_parent=a.parents[root],
            nodes=tuple(a.nodes[i] for i in part),
            places=tuple(Place(i, a.parents[i], a.ends[i]) for i in part),
        )
    )


def _insert(b: Tree, paths: Paths, root: int, part: list[int]) -> Edit:
    path = paths.path(root)
    return _said(
        Edit(
            kind=EditKind.INSERT,
            target=root,
            size=len(part),
            path=path,
            parent=path[:-1],
            to_parent=b.parents[root],
            nodes=tuple(b.nodes[i] for i in part),
            places=tuple(Place(i, b.parents[i], b.ends[i]) for i in part),
        )
    )


def _move(a: Tree, b: Tree, paths_a: Paths, paths_b: Paths, node: int, target: int) -> Edit:
    return _said(
        Edit(
            kind=EditKind.MOVE,
            node=node,
            target=target,
            size=a.ends[node] - node,
            path=paths_a.path(node),
            parent=paths_b.path(b.parents[target]),
            from_parent=a.parents[node],
            to_parent=b.parents[target],
        )
    )


def _update(a: Tree, b: Tree, paths_a: Paths, paths_b: Paths, node: int, target: int) -> Edit:
    return _said(
        Edit(
            kind=EditKind.UPDATE,
            node=node,
            target=target,
            changes=changes_between(a.nodes[node], b.nodes[target]),
            path=paths_a.path(node),
            parent=paths_b.path(b.parents[target]),
            from_parent=a.parents[node],
            to_parent=b.parents[target],
        )
    )
