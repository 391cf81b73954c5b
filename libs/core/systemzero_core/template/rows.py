"""Repeated rows: which may come and go, and where there are too few or too many of them.

A row is let through only if it is a row like the others: a kind of control that no row of the
baseline has (a button to buy in a list of messages) is a change, whatever the count.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_

from systemzero_core.roles import CONTROLS
from systemzero_core.template.resolve import CompiledPolicy, PolicyView
from systemzero_core.tree import Tree

_BITS = {role: 1 << bit for bit, role in enumerate(sorted(CONTROLS))}
_ALL = (1 << len(_BITS)) - 1


class RowBook:
    """What a policy's rules for rows say about one baseline and one capture."""

    def __init__(
        self,
        policy: CompiledPolicy,
        baseline: tuple[Tree, PolicyView],
        capture: tuple[Tree, PolicyView],
        mapping: Sequence[int],
    ) -> None:
        self._policy = policy
        self._baseline = baseline
        self._capture = capture
        self._known: dict[int, int] = {}
        self._masks: dict[int, list[int]] = {}
        self.violations = self._count(mapping)

    def _count(self, mapping: Sequence[int]) -> dict[tuple[int, int], int]:
        """(rule, capture parent) to the number of rows, where it is out of the rule's bounds."""
        bounded = {
            i
            for i, compiled in enumerate(self._policy.rules)
            if (rows := compiled.rule.rows) and (rows.minimum > 0 or rows.maximum is not None)
        }
        if not bounded:
            return {}
        counts: dict[tuple[int, int], int] = {}
        for rule, parent in _tally(*self._baseline, bounded):
            if parent >= 0 and mapping[parent] >= 0:
                counts[rule, mapping[parent]] = 0
        counts.update(_tally(*self._capture, bounded))
        return {key: n for key, n in counts.items() if not self._within(key[0], n)}

    def _within(self, rule: int, count: int) -> bool:
        rows = self._policy.rules[rule].rule.rows
        return rows is None or (
            rows.minimum <= count and (rows.maximum is None or count <= rows.maximum)
        )

    @property
    def has_data(self) -> bool:
        """Whether some rule makes nodes rows of data."""
        return any(
            rule.rule.rows is not None and not self.is_fixed(i)
            for i, rule in enumerate(self._policy.rules)
        )

    def is_fixed(self, rule: int) -> bool:
        """Whether a rule wants just so many: then none of them is data, to come or to go."""
        rows = self._policy.rules[rule].rule.rows
        return rows is not None and rows.minimum == rows.maximum

    def may_go(self, rule: int, capture_parent: int) -> bool:
        """Whether a row of `rule` may be missing under a parent of the capture."""
        return (rule, capture_parent) not in self.violations and not self.is_fixed(rule)

    def may_come(self, rule: int, capture_parent: int, row: int) -> bool:
        """Whether capture node `row` may be one more row of `rule` under its parent."""
        if not self.may_go(rule, capture_parent):
            return False
        return not self._controls(1)[row] & ~self._known_controls(rule)

    def _known_controls(self, rule: int) -> int:
        """The controls in the baseline's rows; all there are where it has no row to go by."""
        if rule not in self._known:
            tree, view = self._baseline
            masks = self._controls(0)
            rows = [masks[i] for i in range(len(tree)) if view.at(i).rows_rule == rule]
            self._known[rule] = reduce(or_, rows) if rows else _ALL
        return self._known[rule]

    def _controls(self, side: int) -> list[int]:
        """For each node, which kinds of control its subtree has."""
        if side not in self._masks:
            tree = (self._baseline, self._capture)[side][0]
            masks = [_BITS.get(node.role, 0) for node in tree.nodes]
            for i in range(len(masks) - 1, 0, -1):
                masks[tree.parents[i]] |= masks[i]
            self._masks[side] = masks
        return self._masks[side]


def _tally(tree: Tree, view: PolicyView, rules: set[int]) -> dict[tuple[int, int], int]:
    counts: dict[tuple[int, int], int] = {}
    for i in range(len(tree)):
        rule = view.at(i).rows_rule
        if rule in rules:
            key = (rule, tree.parents[i])
            counts[key] = counts.get(key, 0) + 1
    return counts
