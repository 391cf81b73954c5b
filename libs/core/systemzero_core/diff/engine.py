"""The diff: prepare, map, write the script."""

from __future__ import annotations

from systemzero_core.diff.budget import DEFAULT_BUDGET, Budget
from systemzero_core.diff.edits import Mapping, build_edits, moved_nodes
from systemzero_core.diff.script import EditScript
from systemzero_core.diff.sequences import common_subsequence
from systemzero_core.tree import Tree


def diff(a: Tree, b: Tree, *, budget: Budget = DEFAULT_BUDGET) -> EditScript:
    """The edit script that turns `a` into `b`.

    Args:
        a: the tree before, any size, empty included.
        b: the tree after.
        budget: how much work may be spent.

    Returns:
        A script with `apply(script, a) == b`; without edits exactly when `a == b`.
    """
    mapping = Mapping(len(a), len(b))
    todo: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
        ((0,) if len(a) else (), (0,) if len(b) else ())
    ]
    while todo:
        left, right = todo.pop()
        keys_a = [(a.nodes[i].role, a.nodes[i].name) for i in left]
        keys_b = [(b.nodes[i].role, b.nodes[i].name) for i in right]
        for p, q in common_subsequence(keys_a, keys_b):
            x, y = left[p], right[q]
            mapping.add(x, y)
            todo.append((a.children[x], b.children[y]))
    kept = [i for i, target in enumerate(mapping.to_b) if target >= 0]
    moved = moved_nodes(a, b, mapping, kept)
    changed = [i for i in kept if a.nodes[i] != b.nodes[mapping.to_b[i]]]
    edits = build_edits(a, b, mapping, moved, changed)
    return EditScript(edits, tuple(mapping.to_b), len(b))
