"""The diff: prepare, map, write the script."""

from __future__ import annotations

from systemzero_core.diff.budget import DEFAULT_BUDGET, Budget
from systemzero_core.diff.composed import composed_names
from systemzero_core.diff.edits import Findings, build_edits, changed_nodes, moved_nodes
from systemzero_core.diff.mapper import Mapper
from systemzero_core.diff.moves import find_moves
from systemzero_core.diff.prepared import Prepared
from systemzero_core.diff.script import EditScript
from systemzero_core.diff.unfolded import apart
from systemzero_core.tree import Tree


def diff(a: Tree | Prepared, b: Tree, *, budget: Budget = DEFAULT_BUDGET) -> EditScript:
    """The edit script that turns `a` into `b`.

    Args:
        a: the tree before, any size, empty included; `Prepared` where it is compared often.
        b: the tree after.
        budget: how much work may be spent.

    Returns:
        A script with `apply(script, a) == b`; without edits exactly when `a == b`.
    """
    before = a if isinstance(a, Prepared) else Prepared(a)
    after = Prepared(b, before)
    mapper = Mapper(before, after, budget)
    mapper.run()
    deleted, inserted = find_moves(mapper)
    mapping, slices = mapper.mapping, mapper.slices
    moved = moved_nodes(before.tree, b, mapping, slices)
    changed = changed_nodes(before, after, slices)
    composed = composed_names(before.tree, b, mapping.to_b, changed)
    findings = Findings(deleted, inserted, moved, changed, composed.keys())
    edits = build_edits(before, after, mapping, findings)
    told = apart(before.tree, b, mapping, edits)
    names = tuple(composed.values())
    to_b = tuple(mapping.to_b)
    return EditScript(told.edits, to_b, len(b), mapper.degraded, names, told.unfolded)
