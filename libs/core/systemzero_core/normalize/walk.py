"""The two passes over a tree: nodes into normal form, then what their places decide."""

from __future__ import annotations

from typing import NamedTuple

from systemzero_core.normalize.attributes import Address
from systemzero_core.normalize.filters import (
    DEFAULT_FILTERS,
    FIELDS,
    MARKS,
    NAME_FROM_CONTENT,
    SUSPECTS,
    TAKES_SUBTREE,
    Filter,
    FilterSet,
    is_mute,
    verdict,
)
from systemzero_core.normalize.loading import is_part_of_spinner
from systemzero_core.normalize.nodes import node_normalizer
from systemzero_core.tree import Node, Tree

_GONE = -2


class Removal(NamedTuple):
    """One node that a filter took out.

    `node` is its index in the tree that was given, `role` and `name` are in normal form.
    """

    filter: Filter
    node: int
    role: str
    name: str


class Normalized(NamedTuple):
    """A tree in normal form, and what was taken out of it, in document order.

    What went with a subtree (a scroll bar's thumb) is told by the removal of the subtree's root.
    """

    tree: Tree
    removed: tuple[Removal, ...]


def normalize(tree: Tree, filters: FilterSet = DEFAULT_FILTERS) -> Tree:
    """`tree` in normal form. An empty tree stays empty."""
    return _Walk(tree, filters).run()


def explain(tree: Tree, filters: FilterSet = DEFAULT_FILTERS) -> Normalized:
    """`tree` in normal form, together with what each filter removed."""
    walk = _Walk(tree, filters)
    return Normalized(walk.run(), tuple(sorted(walk.removed, key=lambda removal: removal.node)))


class _Walk:
    """The state of one run: the nodes kept so far, and where they came from."""

    def __init__(self, tree: Tree, filters: FilterSet) -> None:
        self._tree = tree
        self._enabled = filters.enabled
        self.removed: list[Removal] = []
        self._nodes: list[Node] = []
        self._parents: list[int] = []
        self._sources: list[int] = []

    def run(self) -> Tree:
        if self._tree.nodes:
            self._keep_by_themselves()
            if Filter.ZERO_SIZE in self._enabled:
                self._take(self._empty_places(), Filter.ZERO_SIZE)
            if Filter.REPEATED_TEXT in self._enabled:
                self._take(self._repeated_texts(), Filter.REPEATED_TEXT)
        return Tree(self._nodes, self._parents)

    def _keep_by_themselves(self) -> None:
        """Every node into normal form; out go those whose own fields say so."""
        nodes, parents, sources = self._nodes, self._parents, self._sources
        own, enabled = self._tree.nodes, self._enabled
        normal = node_normalizer(Address.of(own[0].attribute("url") or ""))
        spinners: set[int] = set()
        places: list[int] = []  # for each given node: the kept node that its children hang on
        for i, parent in enumerate(self._tree.parents):
            place = places[parent] if i else -1
            if place == _GONE:
                places.append(_GONE)
                continue
            node = normal(own[i])
            found = None
            if i and parent in spinners and is_part_of_spinner(node, node.role):
                found = Filter.SPINNER
            elif i and (not node.name or node.role in SUSPECTS or "hidden" in node.states):
                found = verdict(node, enabled)
            if found is None:
                places.append(len(nodes))
                nodes.append(node)
                parents.append(place)
                sources.append(i)
            else:
                if found is Filter.SPINNER:
                    spinners.add(i)
                places.append(_GONE if found in TAKES_SUBTREE else place)
                self.removed.append(Removal(found, i, node.role, node.name))

    def _children_left(self) -> list[int]:
        """For each kept node, how many children it has."""
        left = [0] * len(self._nodes)
        for parent in self._parents[1:]:
            left[parent] += 1
        return left

    def _empty_places(self) -> list[int]:
        """Nodes without area, name and value, and with nothing left below them."""
        flat = [
            i
            for i, node in enumerate(self._nodes)
            if i and (box := node.bounds) is not None and (box[2] <= 0 or box[3] <= 0)
        ]
        if not flat:
            return []
        left = self._children_left()
        empty: list[int] = []
        for i in reversed(flat):
            if not left[i] and is_mute(self._nodes[i]):
                left[self._parents[i]] -= 1
                empty.append(i)
        return empty

    def _repeated_texts(self) -> list[int]:
        """Plain texts that repeat what their parent says: one alone, or all content in pieces."""
        nodes = self._nodes
        texts: dict[int, list[int]] = {}
        for i, parent in enumerate(self._parents):
            node = nodes[i]
            if node.role == "text" and i and _is_plain(node):
                texts.setdefault(parent, []).append(i)
        left = self._children_left()
        repeated: list[int] = []
        for parent in sorted(texts, reverse=True):  # children before their parents
            said = _said_by(nodes[parent])
            if said:
                leaves = [i for i in texts[parent] if not left[i]]
                found = self._repeating(said, leaves, whole=len(leaves) == left[parent])
                left[parent] -= len(found)
                repeated += found
        return repeated

    def _repeating(self, said: str, texts: list[int], *, whole: bool) -> list[int]:
        """Which of `texts` say what their parent has said; all, if the others together do.

        `whole` says that `texts` are all the children there are.
        """
        rest = "".join(n for n in (self._nodes[i].name for i in texts) if n != said)
        if whole and rest.replace(" ", "") == said.replace(" ", ""):
            return texts
        return [i for i in texts if self._nodes[i].name == said]

    def _take(self, found: list[int], filter_: Filter) -> None:
        """Take out the kept nodes `found`, none of which has children that stay."""
        if not found:
            return
        gone = frozenset(found)
        nodes, parents, sources = self._nodes, self._parents, self._sources
        self._nodes, self._parents, self._sources = [], [], []
        places: list[int] = []
        for i, node in enumerate(nodes):
            places.append(len(self._nodes))
            if i in gone:
                self.removed.append(Removal(filter_, sources[i], node.role, node.name))
            else:
                self._nodes.append(node)
                self._parents.append(places[parents[i]] if i else -1)
                self._sources.append(sources[i])


def _said_by(node: Node) -> str:
    """The text that the content of `node` need not repeat: its name, or a field's value."""
    if node.role in NAME_FROM_CONTENT:
        return node.name
    return node.value if node.role in FIELDS else ""


def _is_plain(node: Node) -> bool:
    if not node.name or node.value or node.states:
        return False
    return all(name in MARKS or name == "actions" for name, _ in node.attributes)
