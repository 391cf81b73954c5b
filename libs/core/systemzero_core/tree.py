"""The accessibility tree as the whole project knows it: flat, in document order.

Nodes and edges are kept apart, so that equal nodes can be shared and compared as values
whatever their place.

Invariants of every `Tree` (checked by `Tree.checked`, assumed everywhere else):
1. `len(nodes) == len(parents)`; an empty tree is legal (and is an incomplete capture).
2. `parents[0] == -1` and for i > 0: `0 <= parents[i] < i`: one root, no cycles.
3. Document order (preorder): the parent of node i is node i-1 or one of its ancestors, so that the
   subtree of i is exactly the slice `[i, ends[i])`.
4. `states` are sorted and unique; `attributes` are sorted by name, names unique.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec

from systemzero_core.errors import MalformedTree, TooLarge

MAX_NODES = 200_000
"""Nodes in one tree, at most."""

MAX_INPUT_BYTES = 5_000_000
"""Bytes of one capture in its native format, at most (5 MB)."""


class Bounds(NamedTuple):
    """A box in the platform's own pixels, relative to the capture's top left corner."""

    x: int
    y: int
    width: int
    height: int


class Node(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One node, without its place. A value: hashable, comparable, shareable between trees.

    Attributes:
        role: WAI-ARIA role name after normalisation (`button`, `textbox`), the platform's before.
        name: accessible name.
        value: current value of a control (text of a field, position of a slider), else empty.
        states: sorted words, such as `checked`, `collapsed`, `disabled`, `expanded`, `selected`.
        bounds: box, or None where the platform gave none.
        attributes: sorted (name, value) pairs: `level`, `url`, `id` (a stable one), …
        platform_role: the platform's own role or class, kept beside the normal one.
    """

    role: str
    name: str = ""
    value: str = ""
    states: tuple[str, ...] = ()
    bounds: Bounds | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    platform_role: str = ""

    def attribute(self, name: str) -> str | None:
        """The value of the attribute `name`, or None."""
        for key, value in self.attributes:
            if key == name:
                return value
        return None


class Tree:
    """An immutable tree; see the module's invariants. Equal by nodes and parents."""

    __slots__ = ("__dict__", "nodes", "parents")

    def __init__(self, nodes: Sequence[Node], parents: Sequence[int]) -> None:
        """Trusts its caller; use `Tree.checked` for anything that came from outside."""
        self.nodes: tuple[Node, ...] = tuple(nodes)
        self.parents: tuple[int, ...] = tuple(parents)

    @classmethod
    def checked(cls, nodes: Sequence[Node], parents: Sequence[int]) -> Tree:
        """A tree from untrusted parts.

        Raises:
            TooLarge: more than `MAX_NODES` nodes.
            MalformedTree: a parent index breaks invariants 1 to 3; the violation names the node.
        """
        if len(nodes) > MAX_NODES:
            raise TooLarge(
                f"the tree has {len(nodes)} nodes, at most {MAX_NODES} are taken",
                metadata={"limit": str(MAX_NODES), "actual": str(len(nodes))},
            )
        if len(nodes) != len(parents):
            raise MalformedTree.at("nodes", f"{len(nodes)} nodes but {len(parents)} parents")
        _check_document_order(parents)
        return cls(nodes, parents)

    def __len__(self) -> int:
        return len(self.nodes)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Tree):
            return NotImplemented
        return self.nodes == other.nodes and self.parents == other.parents

    def __hash__(self) -> int:
        return hash((self.nodes, self.parents))

    def __repr__(self) -> str:
        return f"Tree({len(self.nodes)} nodes)"

    @cached_property
    def indices(self) -> tuple[int, ...]:
        """The integers from 0 to `len(self)`, once for all that holds many of them."""
        return tuple(range(len(self.nodes) + 1))

    @cached_property
    def last_children(self) -> dict[int, int]:
        """For each node that has children, in document order, the index of the last one."""
        last = dict(zip(self.parents, self.indices, strict=False))
        last.pop(-1, None)
        return last

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """For each node, the index one past its subtree's last node."""
        ends = list(self.indices[1:])
        for parent, last in reversed(self.last_children.items()):
            ends[parent] = ends[last]
        return tuple(ends)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """For each node, the indices of its children in order."""
        lists: list[list[int]] = [[] for _ in self.nodes]
        for i, parent in enumerate(self.parents):
            if parent >= 0:
                lists[parent].append(i)
        return tuple(map(tuple, lists))

    @cached_property
    def depths(self) -> tuple[int, ...]:
        """For each node, its distance from the root (0 for the root)."""
        depths: list[int] = []
        for parent in self.parents:
            depths.append(depths[parent] + 1 if parent >= 0 else 0)
        return tuple(depths)

    def ancestors(self, index: int) -> list[int]:
        """The indices of the ancestors of node `index`, nearest first."""
        found: list[int] = []
        parent = self.parents[index]
        while parent >= 0:
            found.append(parent)
            parent = self.parents[parent]
        return found


def _check_document_order(parents: Sequence[int]) -> None:
    open_path: list[int] = []
    for i, parent in enumerate(parents):
        while open_path and open_path[-1] != parent:
            open_path.pop()
        if not open_path and (i > 0 or parent != -1):
            raise MalformedTree.at(
                f"nodes[{i}].parent",
                f"{parent} is not the index of an open ancestor in document order",
            )
        open_path.append(i)


class TreeBuilder:
    """Builds a tree in document order: `open` a node, `close` it after its children.

    For parsers that walk depth first; those with parent indices in hand call `Tree.checked`.
    """

    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        self._nodes: list[Node] = []
        self._parents: list[int] = []
        self._open: list[int] = []
        self._max_nodes = max_nodes

    def open(self, node: Node) -> int:
        """Append `node` as the last child of the open one; return its index.

        Raises:
            TooLarge: the tree has `max_nodes` nodes already.
            MalformedTree: a second root.
        """
        index = len(self._nodes)
        if index >= self._max_nodes:
            raise TooLarge(
                f"the tree has more than {self._max_nodes} nodes",
                metadata={"limit": str(self._max_nodes)},
            )
        if index and not self._open:
            raise MalformedTree.at(f"nodes[{index}]", "a second root")
        self._parents.append(self._open[-1] if self._open else -1)
        self._nodes.append(node)
        self._open.append(index)
        return index

    def close(self) -> None:
        """Close the node opened last."""
        self._open.pop()

    def replace(self, index: int, node: Node) -> None:
        """Put `node` in the place of node `index` (for formats that tell names after children)."""
        self._nodes[index] = node

    def build(self) -> Tree:
        """The tree; every node counts as closed."""
        return Tree(self._nodes, self._parents)
