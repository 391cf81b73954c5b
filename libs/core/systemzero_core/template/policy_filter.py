"""From the exact edit script to the edits that the policy lets count.

What is dropped here appears nowhere later. Never counted, whatever the policy: the platform's own
role, and places in a list (`posinset`, `setsize`, …), which the tree itself tells.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from systemzero_core.diff import Change, Edit, EditKind, EditScript, SubtreeRange
from systemzero_core.template.boxes import BoxJudge, delta_of
from systemzero_core.template.model import MatchLevel, Scope
from systemzero_core.template.resolve import CompiledPolicy, Effective, PolicyView
from systemzero_core.template.rows import RowBook
from systemzero_core.template.selecting import MAX_STEPS, Reader
from systemzero_core.template.swaps import Swaps
from systemzero_core.tree import Node, Tree
from systemzero_core.work import Work

DERIVED_ATTRIBUTES = frozenset(
    {
        *("posinset", "setsize", "rowindex", "colindex", "rowcount", "colcount"),
        *("aria-posinset", "aria-setsize", "aria-rowindex", "aria-colindex"),
    }
)
"""Attributes that only say what the tree's structure says."""

_MAX_ROW_DEPTH = 64
_CONTENT_FIELDS = frozenset(("name", "value", "states"))


class PolicyFilter:
    """One script seen through one policy."""

    def __init__(
        self, script: EditScript, baseline: Tree, capture: Tree, policy: CompiledPolicy
    ) -> None:
        self._script = script
        self._trees = (baseline, capture)
        self._views = (policy.baseline(baseline), PolicyView(policy, capture))
        self._reader = Reader(Work(MAX_STEPS, "holding what differs against the template's policy"))
        self._rows = RowBook(
            policy, (baseline, self._views[0]), (capture, self._views[1]), script.mapping
        )
        asked = self._field_counts, self.stays
        self._boxes = BoxJudge(script, baseline, capture, grown=self._has_grown())
        self._swapped = Swaps(script, self._trees, self._views, self._reader, *asked).found()

    def _has_grown(self) -> bool:
        """Whether rows of data came, went or got another height: all below them moves with it."""
        if not self._rows.has_data:
            return False
        return any(map(self._moves_what_is_below, self._script.edits))

    def _moves_what_is_below(self, edit: Edit) -> bool:
        if edit.kind is EditKind.UPDATE:
            delta = next((delta_of(c) for c in edit.changes if c.field == "bounds"), None)
            return bool(delta and delta.height) and self._is_data_row(0, edit.node)
        if edit.kind is EditKind.MOVE:
            return False
        side = 0 if edit.kind is EditKind.DELETE else 1
        return any(self._is_data_row(side, place.at) for place in edit.places)

    def _is_data_row(self, side: int, index: int) -> bool:
        rule = self._views[side].at(index).rows_rule
        return rule >= 0 and not self._rows.is_fixed(rule)

    @property
    def violations(self) -> dict[tuple[int, int], int]:
        """(rule, capture parent) to the number of its rows, where that is out of bounds."""
        return self._rows.violations

    def ignored(self) -> tuple[frozenset[int], frozenset[int]]:
        """The ignored nodes of the baseline and of the capture."""
        return self._views[0].ignored(), self._views[1].ignored()

    def edits(self) -> list[Edit]:
        """The edits that count, reduced to what counts, in the script's order."""
        counting = list(self._counting())
        return list(self._merged(self._with_boxes(counting)))

    def _counting(self) -> Iterator[Edit]:
        for edit in self._script.edits:
            if edit.kind is EditKind.UPDATE:
                kept = self._update(edit)
            elif edit.kind is EditKind.MOVE:
                kept = edit if self._move_counts(edit) else None
            else:
                kept = self._piece(edit)
            if kept is not None:
                yield kept

    def _with_boxes(self, edits: Sequence[Edit]) -> Iterator[Edit]:
        """The edits, each with the boxes that changed with it and are no edits of their own."""
        outer, ends = self._moved_parts(edits)
        own = {edit.node for edit in edits if edit.kind is EditKind.UPDATE}
        boxes: dict[tuple[EditKind, int], list[tuple[int, Change]]] = {}
        for node, change in self._passed_boxes():
            if node in own:
                boxes.setdefault((EditKind.UPDATE, node), []).append((0, change))
            elif (k := bisect_right(outer, node) - 1) >= 0 and node < ends[k]:
                within = node - outer[k], change
                boxes.setdefault((EditKind.MOVE, outer[k]), []).append(within)
        for edit in edits:
            found = boxes.get((edit.kind, edit.node)) if boxes else None
            yield msgspec.structs.replace(edit, boxes=tuple(found)) if found else edit

    def _moved_parts(self, edits: Iterable[Edit]) -> tuple[list[int], list[int]]:
        """The outermost moved nodes of the baseline, in order, and where their subtrees end."""
        outer: list[int] = []
        ends: list[int] = []
        for node in sorted(edit.node for edit in edits if edit.kind is EditKind.MOVE):
            if not ends or node >= ends[-1]:
                outer.append(node)
                ends.append(self._trees[0].ends[node])
        return outer, ends

    def _passed_boxes(self) -> Iterator[tuple[int, Change]]:
        """The changed boxes that the policy compares, and that count for nothing by themselves."""
        for edit in self._script.edits:
            for change in edit.changes:
                if change.field != "bounds":
                    continue
                effective = self._views[0].at(edit.node)
                if effective.level in (MatchLevel.IGNORE, MatchLevel.CONTENT):
                    continue
                if self._change_counts(change, edit, effective):
                    continue
                if self._boxes.follows(change, effective.box_tolerance):
                    yield edit.node, change

    def stays(self, node: int) -> bool:
        """Whether a node of the baseline has to be there, and to keep its place."""
        effective = self._views[0].at(node)
        free = effective.level in (MatchLevel.IGNORE, MatchLevel.CONTENT)
        return not free and effective.optional is None and effective.rows_rule < 0

    def is_ordered(self, node: int) -> bool:
        """Whether the order of a node's children counts; `node` is one of the baseline."""
        return not self._views[0].at(node).unordered

    def _merged(self, edits: Iterator[Edit]) -> Iterator[Edit]:
        """Changes of siblings' boxes become one edit, the first of them."""
        alone: dict[int, list[Edit]] = {}
        ordered: list[Edit | list[Edit]] = []
        for edit in edits:
            if edit.kind is not EditKind.UPDATE or [c.field for c in edit.changes] != ["bounds"]:
                ordered.append(edit)
                continue
            group = alone.setdefault(edit.from_parent, [])
            if not group:
                ordered.append(group)
            group.append(edit)
        for item in ordered:
            yield item if isinstance(item, Edit) else self._one_shift(item)

    def _one_shift(self, edits: Sequence[Edit]) -> Edit:
        first = edits[0]
        if len(edits) == 1:
            return first
        alike = len({self._boxes.delta(edit) for edit in edits}) == 1
        rest = f"{len(edits) - 1} more beside it" + (" by the same" if alike else "")
        return msgspec.structs.replace(first, size=len(edits), beside=rest, others=tuple(edits[1:]))

    def _update(self, edit: Edit) -> Edit | None:
        effective = self._views[0].at(edit.node)
        if effective.level is MatchLevel.IGNORE:
            return None
        changes = tuple(c for c in edit.changes if self._change_counts(c, edit, effective))
        if len(changes) == len(edit.changes):
            return edit
        if not changes:
            return None
        return msgspec.structs.replace(edit, changes=changes)

    def _change_counts(self, change: Change, edit: Edit, effective: Effective) -> bool:
        if change.field != "bounds":
            return self._field_counts(change, effective)
        if effective.level is MatchLevel.CONTENT:
            return False
        retexted = any(c.field in ("name", "value", "role") for c in edit.changes)
        return not retexted and self._boxes.counts(edit, effective.box_tolerance)

    def _field_counts(self, change: Change, effective: Effective) -> bool:
        """Whether a change counts that is not one of the box."""
        field, level = change.field, effective.level
        if field == "platform_role":
            return False
        if level is MatchLevel.CONTENT and field not in _CONTENT_FIELDS:
            return False
        if level is MatchLevel.LAYOUT and field != "role":
            return False
        return not self._keeps_to(change, effective)

    def _move_counts(self, edit: Edit) -> bool:
        effective = self._views[0].at(edit.node)
        if effective.level in (MatchLevel.IGNORE, MatchLevel.CONTENT):
            return False
        row = self._row_around(0, edit.node)
        if row >= 0 and row == self._row_around(1, edit.target):
            return False  # the data moved from row to row, or the row did
        within = edit.from_parent >= 0 and self._script.mapping[edit.from_parent] == edit.to_parent
        return not (within and self._views[0].at(edit.from_parent).unordered)

    def _row_around(self, side: int, index: int) -> int:
        """The rule of the row that a node stands in or is; -1 where it stands in none."""
        parents, view = self._trees[side].parents, self._views[side]
        for _ in range(_MAX_ROW_DEPTH):
            if index < 0:
                break
            if (rule := view.at(index).rows_rule) >= 0:
                return rule
            index = parents[index]
        return -1

    def _piece(self, edit: Edit) -> Edit | None:
        """An insert or delete without the nodes that may come and go."""
        side = 0 if edit.kind is EditKind.DELETE else 1
        kept: list[tuple[Node, SubtreeRange]] = []
        dropped: set[int] = set()
        for node, place in zip(edit.nodes, edit.places, strict=True):
            reason = self._passes(side, node, place, dropped)
            if reason:
                dropped.add(place.at)
            elif reason is None:
                kept.append((node, place))
        if len(kept) == len(edit.nodes):
            return edit
        return self._reduced(edit, side, kept) if kept else None

    def _passes(self, side: int, node: Node, place: SubtreeRange, dropped: set[int]) -> bool | None:
        """Whether a node may come and go: True with all below it, False alone, None not at all."""
        if place.parent in dropped:
            return True
        effective = self._views[side].at(place.at)
        if effective.optional is Scope.SUBTREE:
            return True
        if self._row_passes(side, place, effective.rows_rule):
            return True
        if effective.level is MatchLevel.IGNORE or effective.optional is Scope.NODE:
            return False
        if effective.level is MatchLevel.CONTENT and not node.name and not node.value:
            return False
        return False if (side, place.at) in self._swapped else None

    def _row_passes(self, side: int, place: SubtreeRange, rule: int) -> bool:
        if rule < 0:
            return False
        if side == 1:
            return self._rows.may_come(rule, place.parent, place.at)
        target = self._script.mapping[place.parent] if place.parent >= 0 else -1
        return self._rows.may_go(rule, target)

    def _reduced(self, edit: Edit, side: int, kept: Sequence[tuple[Node, SubtreeRange]]) -> Edit:
        return msgspec.structs.replace(
            edit,
            nodes=tuple(node for node, _ in kept),
            places=tuple(place for _, place in kept),
            size=len(kept),
            **{"node" if side == 0 else "target": kept[0][1].at},
        )

    def _keeps_to(self, change: Change, effective: Effective) -> bool:
        """Whether the new value is one that a wildcard allows, or says nothing of its own."""
        text, pattern = str(change.new or ""), effective.name
        if change.field == "value":
            pattern = effective.value
        elif change.field == "states":
            pattern = (effective.attributes or {}).get("states")
            text = " ".join(map(str, change.new or ()))
        elif change.field.startswith("attributes."):
            key = change.field.removeprefix("attributes.")
            if key in DERIVED_ATTRIBUTES:
                return True
            pattern = (effective.attributes or {}).get(key)
        elif change.field != "name":
            pattern = None
        return pattern is not None and self._reader.keeps(text, pattern)
