"""What a tool said, as a mapping and edits that can be compared with the truth.

Tools count as kindly as their own words allow: deleted (inserted) nodes that hang together are one
edit, however many operations the tool spent on them, and a changed label is one update. Moves are
those that the tool calls so. A script that does not rebuild `b` has no mapping.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from systemzero_core.tree import Tree


class Outcome(NamedTuple):
    """A comparison in this project's words.

    Attributes:
        mapping: for each node of `a` its index in `b`, -1 where it was deleted.
        edits: (kind, index): in `b` for an insert, else in `a`; of roots.
        cost: nodes inserted and deleted, plus updates, plus moves.
    """

    mapping: list[int]
    edits: set[tuple[str, int]]
    cost: int


class _Live:
    """A node of a tree under edit that remembers where it came from."""

    def __init__(self, origin: int) -> None:
        self.origin = origin
        self.children: list[_Live] = []


def outcome(told: dict[str, Any], a: Tree, b: Tree) -> Outcome | None:
    """The outcome of a worker's answer; None where it does not rebuild `b`."""
    moved: list[int] = told.get("moved", [])
    if "pairs" in told:
        mapping = _of_pairs(told["pairs"], len(a))
    elif "lists" in told:
        removed, added = told["lists"]
        mapping = _of_lists(removed, added, a, b)
    else:
        origins = told.get("origins")
        if origins is None:
            origins, moved = replay_patch(told["patch"], a)
        mapping = _of_pairs([(i, j) for j, i in enumerate(origins) if i >= 0], len(a))
        if len(origins) != len(b):
            return None
    return _summed(mapping, set(moved), a, b)


def _of_pairs(pairs: list[Any], size: int) -> list[int]:
    mapping = [-1] * size
    for i, j in pairs:
        mapping[i] = j
    return mapping


def _of_lists(removed: list[int], added: list[int], a: Tree, b: Tree) -> list[int]:
    """The mapping of a tool that names what went and what came: the rest pairs up in order."""
    gone, new = set(removed), set(added)
    mapping = [-1] * len(a)
    pending = [(0, 0)]
    while pending:
        i, j = pending.pop()
        mapping[i] = j
        stays = [child for child in a.children[i] if child not in gone]
        comes = [child for child in b.children[j] if child not in new]
        pending.extend(zip(stays, comes, strict=False))
    return mapping


def replay_patch(patch: list[dict[str, Any]], a: Tree) -> tuple[list[int], list[int]]:
    """Apply a JSON Patch (RFC 6902) to the tree alone; see `nested` in worker.py for its form.

    Returns:
        for each node of the result the index in `a` (-1: new), and the nodes of `a` moved.
    """
    nodes = [_Live(i) for i in range(len(a))]
    for i, parent in enumerate(a.parents):
        if parent >= 0:
            nodes[parent].children.append(nodes[i])
    above = _Live(-1)
    above.children.append(nodes[0])
    moved: set[int] = set()
    for step in patch:
        row, at = _find(above, step["path"])
        if row is None:
            continue  # a word, not a node
        if step["op"] == "move":
            source, old = _find(above, step["from"])
            if source is None:
                raise ValueError(f"a node made of a word: {step['from']}")
            node = source.pop(old)
            moved.add(node.origin)
            row, at = _find(above, step["path"])
            _present(row).insert(at, node)
            continue
        if step["op"] in ("remove", "replace"):
            row.pop(at)
        if step["op"] in ("add", "replace"):
            row.insert(at, _grown(step["value"]))
    return _origins(above.children[0]), sorted(moved - {-1})


def _present(row: list[_Live] | None) -> list[_Live]:
    if row is None:
        raise ValueError("a node made a word")
    return row


def _find(above: _Live, path: str) -> tuple[list[_Live] | None, int]:
    """The list of children that a JSON pointer ends in, and the place there; None for a word."""
    parts = ["children", "0", *path.split("/")[1:]]
    if len(parts) % 2 or parts[-2] != "children":
        return None, 0
    node = above
    for part in parts[1:-2:2]:
        node = node.children[int(part)]
    return node.children, len(node.children) if parts[-1] == "-" else int(parts[-1])


def _grown(value: dict[str, Any]) -> _Live:
    root = _Live(-1)
    pending = [(root, value)]
    while pending:
        node, form = pending.pop()
        for child in form["children"]:
            node.children.append(_Live(-1))
            pending.append((node.children[-1], child))
    return root


def _origins(root: _Live) -> list[int]:
    found: list[int] = []
    pending = [root]
    while pending:
        node = pending.pop()
        found.append(node.origin)
        pending.extend(reversed(node.children))
    return found


def _summed(mapping: list[int], moved: set[int], a: Tree, b: Tree) -> Outcome:
    kept = {j for j in mapping if j >= 0}
    gone = [i for i, j in enumerate(mapping) if j < 0]
    new = [j for j in range(len(b)) if j not in kept]
    updates = [i for i, j in enumerate(mapping) if j >= 0 and a.nodes[i] != b.nodes[j]]
    moves = [i for i in moved if mapping[i] >= 0]
    edits = {("delete", i) for i in gone if a.parents[i] < 0 or mapping[a.parents[i]] >= 0}
    edits |= {("insert", j) for j in new if b.parents[j] < 0 or b.parents[j] in kept}
    edits |= {("update", i) for i in updates} | {("move", i) for i in moves}
    return Outcome(mapping, edits, len(gone) + len(new) + len(updates) + len(moves))
