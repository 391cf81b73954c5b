"""How much of a screen an edit is: from edits to similarity and severity.

Every node weighs by what it is (`roles.weight_of`); a deleted node is lost on the baseline's side,
an inserted one on the capture's, a changed one on both, in the share that its changed fields have.
Similarity is what is left of the two sides' weight. So it is symmetric, 1 only for no edit, and 0
for two screens that share nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import accumulate
from math import fsum

import msgspec

from systemzero_core.diff import Change, Edit, EditKind
from systemzero_core.drift.model import Severity
from systemzero_core.errors import InvalidInput
from systemzero_core.roles import weight_of
from systemzero_core.template.shapes import only_volatile_differs
from systemzero_core.tree import Tree

_FIELD_SHARES = {"role": 0.6, "name": 0.7, "value": 0.3, "states": 0.4, "bounds": 0.05}
_ATTRIBUTE_SHARE = 0.2
_VOLATILE_FACTOR = 0.1
"""A live value that changed is expected to; it is drift, but hardly any."""
_MOVED_ROOT_SHARE = 0.3
_MOVED_INSIDE_SHARE = 0.03


class Thresholds(msgspec.Struct, frozen=True):
    """Severity by similarity: below `critical` critical, below `warning` warning, else info."""

    critical: float = 0.7
    warning: float = 0.9

    def __post_init__(self) -> None:
        """Raises `InvalidInput` unless 0 <= critical <= warning <= 1."""
        if not 0 <= self.critical <= self.warning <= 1:
            raise InvalidInput.at("thresholds", "0 <= critical <= warning <= 1 must hold")

    def severity(self, similarity: float) -> Severity:
        """The severity of a similarity."""
        if similarity < self.critical:
            return Severity.CRITICAL
        return Severity.WARNING if similarity < self.warning else Severity.INFO


DEFAULT_THRESHOLDS = Thresholds()


def volatile_fields(edit: Edit) -> frozenset[str]:
    """The changed fields of an edit in which only live values of the same shape differ."""
    return frozenset([change.field for change in edit.changes if _is_volatile(change)])


def _is_volatile(change: Change) -> bool:
    if change.field == "bounds":
        return False
    old, new = change.old, change.new
    return isinstance(old, str) and isinstance(new, str) and only_volatile_differs(old, new)


class Scale:
    """The weight of two trees, less what is ignored, for weighing the edits between them."""

    def __init__(
        self, baseline: Tree, capture: Tree, ignored: tuple[Collection[int], Collection[int]]
    ) -> None:
        self._weights = _weights(baseline, ignored[0])
        self._upto = [0.0, *accumulate(self._weights)]
        self._ends = baseline.ends
        self.total = self._upto[-1] + fsum(_weights(capture, ignored[1])) or 1.0

    def cost(self, edit: Edit, volatile: Collection[str]) -> float:
        """What an edit costs, as a share of the whole, in [0, 1]; `volatile` as above."""
        return min(self._cost(edit, volatile) / self.total, 1.0)

    def _cost(self, edit: Edit, volatile: Collection[str]) -> float:
        if edit.kind is EditKind.MOVE:
            inside = self._upto[self._ends[edit.node]] - self._upto[edit.node]
            root = self._weights[edit.node]
            return 2 * (_MOVED_ROOT_SHARE * root + _MOVED_INSIDE_SHARE * (inside - root))
        if edit.kind is EditKind.UPDATE:
            share = min(fsum([_share(c.field, volatile) for c in edit.changes]), 1.0)
            return 2 * share * self._weights[edit.node] * edit.size
        return fsum(map(weight_of, edit.nodes))


def _share(field: str, volatile: Collection[str]) -> float:
    share = _FIELD_SHARES.get(field, _ATTRIBUTE_SHARE)
    return share * _VOLATILE_FACTOR if field in volatile else share


def _weights(tree: Tree, ignored: Collection[int]) -> Sequence[float]:
    weights = [weight_of(node) for node in tree.nodes]
    for i in ignored:
        weights[i] = 0.0
    return weights
