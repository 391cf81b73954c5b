"""Pairs of trees whose true difference is known: real screens with seeded edits.

Every edit touches nodes of its own, so that the truth is not a matter of opinion; what is left of
that (which of two swapped neighbours moved, which of two equal rows went) counts against the diff.
"""

from __future__ import annotations

import random
from functools import lru_cache
from typing import NamedTuple

import msgspec

from benchmarks._trees import cdp_capture
from systemzero_core.diff import EditKind, EditScript
from systemzero_core.formats import parse
from systemzero_core.normalize import normalize
from systemzero_core.tree import Node, Tree

KIND = ("insert",) * 20 + ("delete",) * 20 + ("rename",) * 30 + ("shift",) * 15 + ("carry",) * 15
"""The mix that shared figures of other tools were measured with."""

UNKIND = (
    *KIND,
    *("retitle",) * 10,
    *("role",) * 8,
    *("wrap",) * 8,
    *("unwrap",) * 8,
    *("template",) * 6,
)
"""The same with what real releases do: retitled links, other containers, wrappers, other rows."""

_ROWS = 5
"""Rows of each list that `listed` adds."""

SHARE = 0.05
"""Edits for each node."""

_PART = 1_190
"""CDP nodes of one screen: those of the recorded one."""

_WORDS = (
    "amber",
    "basin",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "grove",
    "haven",
    "islet",
    "knoll",
    "larch",
    "meadow",
    "north",
    "orchard",
    "pine",
    "quarry",
    "ridge",
    "slope",
    "tarn",
    "upland",
    "valley",
    "willow",
    "yarrow",
    "zenith",
)
_ROLES = ("button", "link", "paragraph", "text", "heading", "listitem")


class Truth(NamedTuple):
    """Two trees and what was done to the first.

    Attributes:
        a: the tree before.
        b: the tree after.
        mapping: for each node of `a` its index in `b`, -1 where it was deleted.
        edits: (kind, index): in `b` for an insert, else in `a`; of roots.
    """

    a: Tree
    b: Tree
    mapping: list[int]
    edits: set[tuple[str, int]]


class Tally:
    """Counts over several pairs of trees: what was found, what is true, what is both.

    Attributes:
        mapped: the three counts, of mapped nodes.
        edits: the three counts, of edits by kind and place.
    """

    def __init__(self) -> None:
        self.mapped = [0, 0, 0]
        self.edits = [0, 0, 0]

    def add(self, truth: Truth, script: EditScript) -> None:
        for found, real in zip(script.mapping, truth.mapping, strict=True):
            self.mapped[0] += found >= 0
            self.mapped[1] += real >= 0
            self.mapped[2] += found == real and real >= 0
        edits = {(e.kind.value, _place(e.kind, e.node, e.target)) for e in script.edits}
        self.edits[0] += len(edits)
        self.edits[1] += len(truth.edits)
        self.edits[2] += len(edits & truth.edits)


def _place(kind: EditKind, node: int, target: int) -> int:
    return target if kind is EditKind.INSERT else node


@lru_cache(maxsize=32)
def real_tree(size: int) -> Tree:
    """Normalised real screens under one root, `size` nodes in all."""
    nodes: list[Node] = [Node("document", "Console")]
    parents = [-1]
    screen = 0
    while len(nodes) < size:
        part = normalize(parse(cdp_capture(_PART, run=0, screen=screen).ax).tree)
        offset = len(nodes)
        nodes.extend(part.nodes)
        parents.extend(offset + p if p >= 0 else 0 for p in part.parents)
        screen += 1
    return Tree(nodes[:size], parents[:size])


@lru_cache(maxsize=32)
def listed(size: int) -> Tree:
    """`real_tree(size)`, its last nodes given up for lists of alike rows, one for 1,000 nodes."""
    source = random.Random(size)  # noqa: S311
    row_of = ("listitem", "link", "text", "text", "button")
    count = max(1, size // 1_000)
    keep = size - count * (1 + _ROWS * len(row_of))
    tree = real_tree(size)
    nodes, parents = list(tree.nodes[:keep]), list(tree.parents[:keep])
    for _ in range(count):
        above = len(nodes)
        nodes.append(Node("list"))
        parents.append(0)
        for _ in range(_ROWS):
            words = ("", _title(source), f"{source.randrange(10_000)}", _title(source), "Edit")
            nodes.extend(Node(role, word) for role, word in zip(row_of, words, strict=True))
            parents.extend([above, *[len(parents)] * (len(row_of) - 1)])
    return Tree(nodes, parents)


def _title(source: random.Random) -> str:
    words = [source.choice(_WORDS) for _ in range(source.randrange(1, 4))]
    return " ".join(words).capitalize() + f" {source.randrange(1000)}"


def seeded(tree: Tree, seed: int, share: float, mix: tuple[str, ...] = KIND) -> Truth:
    """`tree` after edits on `share` of its nodes; the same for the same arguments."""
    return _Surgeon(tree, random.Random(seed)).operate(max(1, round(share * len(tree))), mix)  # noqa: S311


MIXES = ("plain", "unkind")


def ground_truth(size: int, seed: int, mix: str) -> Truth:
    """The pair that figures of `mix` ("plain" or "unkind") are measured on: 5 % edited."""
    tree, edits = (real_tree(size), KIND) if mix == "plain" else (listed(size), UNKIND)
    return seeded(tree, seed, SHARE, edits)


class _Surgeon:
    """Edits a tree of mutable links; ids below `len(tree)` are nodes of `a`, others are new."""

    def __init__(self, tree: Tree, source: random.Random) -> None:
        self.tree = tree
        self.source = source
        self.nodes: list[Node] = list(tree.nodes)
        self.parents: list[int] = list(tree.parents)
        self.children: list[list[int]] = [list(c) for c in tree.children]
        self.touched = bytearray(len(tree))
        self.done: list[tuple[str, int]] = []

    def operate(self, count: int, mix: tuple[str, ...]) -> Truth:
        self.touched[0] = 1
        tries = 0
        while len(self.done) < count and tries < 100 * count:
            tries += 1
            getattr(self, f"_{self.source.choice(mix)}")(self.source.randrange(1, len(self.tree)))
        return self._truth()

    def _truth(self) -> Truth:
        order: list[int] = []
        parents: list[int] = []
        place: dict[int, int] = {}
        pending = [(0, -1)]
        while pending:
            at, parent = pending.pop()
            place[at] = len(order)
            pending.extend((child, place[at]) for child in reversed(self.children[at]))
            order.append(at)
            parents.append(parent)
        b = Tree([self.nodes[i] for i in order], parents)
        edits = {(kind, place[i] if kind == "insert" else i) for kind, i in self.done}
        return Truth(self.tree, b, [place.get(i, -1) for i in range(len(self.tree))], edits)

    def _claim(self, at: int, most: int) -> bool:
        """Take the subtree of `at` and its surroundings for one edit, if it is small and free."""
        end = self.tree.ends[at]
        if end - at > most or any(self.touched[at:end]) or self.touched[self.tree.parents[at]] > 1:
            return False
        self.touched[at:end] = b"\1" * (end - at)
        return True

    def _alone(self, at: int) -> bool:
        if self.touched[at]:
            return False
        self.touched[at] = 1
        return True

    def _name(self) -> str:
        return _title(self.source)

    def _new(self, node: Node, parent: int, index: int) -> int:
        at = len(self.nodes)
        self.nodes.append(node)
        self.parents.append(parent)
        self.children.append([])
        self.children[parent].insert(index, at)
        return at

    def _insert(self, near: int) -> None:
        parent = self.parents[near]
        if self.touched[near] or not self._open_ground(parent):
            return
        self.touched[near] = 1
        size = self.source.randrange(1, 6)
        role = (
            self.source.choice(_ROLES) if size == 1 else self.source.choice(("group", "listitem"))
        )
        place = self.children[parent].index(near) + self.source.randrange(2)
        root = self._new(Node(role, self._name() if size == 1 else ""), parent, place)
        for k in range(size - 1):
            self._new(Node(self.source.choice(_ROLES), self._name()), root, k)
        self.done.append(("insert", root))

    def _open_ground(self, parent: int) -> bool:
        """Whether `parent` is a node of `a` that is neither gone nor moved nor made."""
        while 0 < parent < len(self.tree):
            if self.touched[parent]:
                return False
            parent = self.parents[parent]
        return parent == 0

    def _delete(self, at: int) -> None:
        if self._open_ground(self.parents[at]) and self._claim(at, 8):
            self.children[self.parents[at]].remove(at)
            self.done.append(("delete", at))

    def _rename(self, at: int) -> None:
        if self.nodes[at].name and self._alone(at):
            self._set(at, name=self._name())
            self.done.append(("update", at))

    def _retitle(self, at: int) -> None:
        inside = self.children[at]
        if len(inside) != 1 or inside[0] >= len(self.tree) or not self.nodes[at].name:
            return
        if self.nodes[inside[0]].name and self._claim(at, 2):
            name = self._name()
            for node in (at, inside[0]):
                self._set(node, name=name)
                self.done.append(("update", node))

    def _role(self, at: int) -> None:
        if len(self.tree.children[at]) > 1 and self._alone(at):
            roles = ("group", "region", "banner", "navigation", "article", "section")
            role = self.source.choice([r for r in roles if r != self.nodes[at].role])
            self._set(at, role=role)
            self.done.append(("update", at))

    def _template(self, _: int) -> None:
        """Give all rows of a list another role, a box to tick in front and no button behind."""
        lists = [i for i in self.tree.children[0] if self._is_of_rows(i)]
        if not lists:
            return
        at = self.source.choice(lists)
        if not self._claim(at, self.tree.ends[at] - at):
            return
        for row in self.tree.children[at]:
            self._set(row, role="article")
            gone = self.children[row].pop()
            tick = self._new(Node("checkbox", "Select"), row, 0)
            self.done.extend((("update", row), ("delete", gone), ("insert", tick)))

    def _is_of_rows(self, at: int) -> bool:
        """Whether `listed` put it there."""
        rows = self.tree.children[at]
        lasts = {self.tree.nodes[self.tree.ends[row] - 1].name for row in rows}
        return self.tree.nodes[at].role == "list" and len(rows) == _ROWS and lasts == {"Edit"}

    def _set(self, at: int, **fields: str) -> None:
        self.nodes[at] = msgspec.structs.replace(self.nodes[at], **fields)

    def _wrap(self, at: int) -> None:
        parent = self.parents[at]
        if self.touched[at] or not self._open_ground(parent):
            return
        row = self.children[parent]
        first = row.index(at)
        inside = row[first : first + self.source.randrange(2, 5)]
        if len(inside) < 2 or len(inside) == len(row) or any(i >= len(self.tree) for i in inside):
            return
        self.touched[at] = 1
        wrapper = self._new(Node("group"), parent, first)
        for child in inside:
            row.remove(child)
            self.parents[child] = wrapper
        self.children[wrapper] = inside
        self.done.append(("insert", wrapper))

    def _unwrap(self, at: int) -> None:
        inside = list(self.children[at])
        parent = self.parents[at]
        if len(inside) < 2 or self.nodes[at].name or not self._open_ground(parent):
            return
        if len(inside) > 8 or not self._alone(at):
            return
        place = self.children[parent].index(at)
        self.children[parent][place : place + 1] = inside
        for child in inside:
            self.parents[child] = parent
        self.done.append(("delete", at))

    def _shift(self, at: int) -> None:
        """Move among siblings, past at least two of them."""
        parent = self.parents[at]
        if self.touched[at]:
            return
        row = self.children[parent]
        old = row.index(at)
        places = [k for k in range(len(row)) if abs(k - old) > 1]
        if not places or not self._recognisable(at) or not self._open_ground(parent):
            return
        if self._claim(at, 20):
            row.remove(at)
            row.insert(self.source.choice(places), at)
            self.done.append(("move", at))

    def _carry(self, at: int) -> None:
        """Move under another parent."""
        parent = self.source.randrange(len(self.tree))
        if parent == self.parents[at] or not self.tree.children[parent]:
            return
        if not self._recognisable(at) or at <= parent < self.tree.ends[at]:
            return
        if (
            self._open_ground(parent)
            and self._open_ground(self.parents[at])
            and self._claim(at, 20)
        ):
            self.children[self.parents[at]].remove(at)
            row = self.children[parent]
            row.insert(self.source.randrange(len(row) + 1), at)
            self.parents[at] = parent
            self.done.append(("move", at))

    def _recognisable(self, at: int) -> bool:
        """Whether a person would say that it moved: not of a text that only labels its parent."""
        node, above = self.nodes[at], self.nodes[self.parents[at]]
        if self.tree.ends[at] - at > 1:
            return bool(node.name) or self.tree.ends[at] - at > 3
        return len(node.name) > 2 and node.name not in above.name
