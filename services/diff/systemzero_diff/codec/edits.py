"""Edits and findings as messages, each within its bytes, and all of them within theirs.

Invariant: what is not shown is counted, and what a decision is about is in digests of all of it:
`values_digest` of the values, `place` of where it is, a finding's `digest` of all that it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from systemzero.diff.v1 import edit_script_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_core.diff import (
    Change,
    Edit,
    EditKind,
    EditScript,
    FieldValue,
    PathStep,
    RecordedTeller,
)
from systemzero_core.drift import (
    Finding,
    JudgedEdit,
    PlaceDigests,
    Severity,
    is_consequence,
)
from systemzero_core.tree import Bounds, Node, Tree
from systemzero_diff.codec import cut
from systemzero_diff.codec.paths import ROLE_BYTES, Depths, ShownPath, ShownSteps, shown_path
from systemzero_wire.trees import encode_node

SCRIPT_BYTES: Final = 500_000
"""What the edits of a script come to, at most."""
MAX_EDITS: Final = 1_000
FINDINGS_BYTES: Final = 250_000
MAX_FINDINGS: Final = 200
SENTENCE_BYTES: Final = 1_000
_CHANGES_BYTES: Final = 16_000
_MAX_CHANGES: Final = 100
_VALUE_BYTES: Final = 4_000
_NODES_BYTES: Final = 32_000
_MAX_NODES: Final = 500

_KINDS = {
    EditKind.INSERT: pb.EDIT_KIND_INSERT,
    EditKind.DELETE: pb.EDIT_KIND_DELETE,
    EditKind.UPDATE: pb.EDIT_KIND_UPDATE,
    EditKind.MOVE: pb.EDIT_KIND_MOVE,
}
_EDIT_KINDS = {value: kind for kind, value in _KINDS.items()}
SEVERITIES = {
    Severity.INFO: verdict_pb2.SEVERITY_INFO,
    Severity.WARNING: verdict_pb2.SEVERITY_WARNING,
    Severity.CRITICAL: verdict_pb2.SEVERITY_CRITICAL,
}

_SEVERITIES = {value: severity for severity, value in SEVERITIES.items()}


class Sides(NamedTuple):
    """The trees before and after, as far as paths of their nodes need them."""

    a: Depths
    b: Depths
    steps: ShownSteps

    @classmethod
    def of(cls, a: Tree, b: Tree) -> Sides:
        """Those of two trees."""
        return cls(Depths(a), Depths(b), ShownSteps())


def encode_script(script: EditScript, sides: Sides) -> pb.EditScript:
    """An exact script."""
    shown = cut.fitting(script.edits, lambda e: encode_edit(e, sides), SCRIPT_BYTES, MAX_EDITS)
    return _script(shown, len(script.edits), script.degraded)


def encode_judged(edits: Sequence[JudgedEdit], degraded: str, sides: Sides) -> pb.EditScript:
    """What a policy let through; of too much the heaviest, boxes alone last."""
    shown = cut.fitting(edits, lambda e: _judged(e, sides), SCRIPT_BYTES, MAX_EDITS, _weight)
    return _script(shown, len(edits), degraded)


def _weight(judged: JudgedEdit) -> float:
    """What counts for being shown: a shift of everything hides nothing."""
    return judged.weight - is_consequence(judged.edit)


def _script(shown: Sequence[pb.Edit], count: int, degraded: str) -> pb.EditScript:
    said, _ = cut.text(degraded, SENTENCE_BYTES)
    return pb.EditScript(edits=shown, degraded=said, more_edits=count - len(shown))


def _judged(judged: JudgedEdit, sides: Sides) -> pb.Edit:
    message = encode_edit(judged.edit, sides)
    nodes = _nodes(judged.edit)
    shown = cut.fitting(nodes, lambda n: encode_node(*n), _NODES_BYTES, _MAX_NODES)
    message.nodes.extend(shown)
    message.more_nodes = len(nodes) - len(shown)
    message.partial = bool(message.more_nodes) or not _shows_changes(message, judged.edit)
    message.fingerprint = judged.fingerprint
    message.values_digest = judged.values_digest
    message.weight = judged.weight
    message.volatile = judged.volatile
    message.place.exact, message.place.like = judged.place
    return message


def _nodes(edit: Edit) -> Sequence[tuple[Node, int]]:
    """What came, went or changed its box, but for an update's own node; and where its parent is."""
    if edit.kind is EditKind.UPDATE:
        return [(_boxed(other), -1) for other in edit.others]
    index = {place.at: i for i, place in enumerate(edit.places)}
    parents = [index.get(place.parent, -1) for place in edit.places]
    return list(zip(edit.nodes, parents, strict=True))


def _boxed(edit: Edit) -> Node:
    """The node of an edit of a box alone, as far as the edit tells it."""
    (step,), box = edit.last_steps(1), edit.changes[0].new
    return Node(step.role, step.name, bounds=box if isinstance(box, Bounds) else None)


def _shows_changes(message: pb.Edit, edit: Edit) -> bool:
    """Whether nothing that changed is left out of the message."""
    if message.more_changes:
        return False
    return all(
        shown.field == change.field
        and cut.differ_within(value_text(change.old), value_text(change.new), _VALUE_BYTES)
        for shown, change in zip(message.changes, edit.changes, strict=True)
    )


def encode_edit(edit: Edit, sides: Sides) -> pb.Edit:
    """One edit."""
    path, parent = _shown_paths(edit, sides)
    changes = cut.fitting(edit.changes, _change, _CHANGES_BYTES, _MAX_CHANGES)
    return pb.Edit(
        kind=_KINDS[edit.kind],
        node=edit.node,
        target=edit.target,
        size=edit.size,
        path=path.steps,
        path_left_out=path.left_out,
        changes=changes,
        more_changes=len(edit.changes) - len(changes),
        parent_path=parent.steps,
        parent_path_left_out=parent.left_out,
        sentence=cut.text(edit.sentence, SENTENCE_BYTES)[0],
        around=edit.around[1],
    )


def _shown_paths(edit: Edit, sides: Sides) -> tuple[ShownPath, ShownPath]:
    """The path of an edit's node, and that of its parent."""
    path, parent = edit.path, edit.parent  # made when they are asked for
    inserted, deleted = edit.kind is EditKind.INSERT, edit.kind is EditKind.DELETE
    at = sides.b.of(edit.target, path) if inserted else sides.a.of(edit.node, path)
    above = edit.from_parent if deleted else edit.to_parent
    parent_at = (sides.a if deleted else sides.b).of(above, parent)
    steps = sides.steps
    return shown_path(path, at, steps), shown_path(parent, parent_at, steps)


def decode_judged(script: pb.EditScript) -> tuple[JudgedEdit, ...]:
    """The edits of a verdict, as far as a decision needs them: which, where, of which values."""
    return tuple(
        JudgedEdit(
            Edit(
                _EDIT_KINDS[edit.kind],
                teller=RecordedTeller(_decode_path(edit.path), said=edit.sentence),
            ),
            edit.weight,
            edit.volatile,
            edit.fingerprint,
            edit.values_digest,
            PlaceDigests(edit.place.exact, edit.place.like),
            whole=not edit.partial,
        )
        for edit in script.edits
    )


def decode_findings(findings: Sequence[verdict_pb2.Finding]) -> tuple[Finding, ...]:
    """The findings of a verdict that decisions are about, as far as one needs them."""
    return tuple(
        Finding(each.detector, each.code, _SEVERITIES[each.severity], "", digest=each.digest)
        for each in findings
        if each.digest
    )


def _decode_path(path: Sequence[pb.PathStep]) -> tuple[PathStep, ...]:
    return tuple(PathStep(step.role, step.name, step.nth) for step in path)


def _change(change: Change) -> pb.Change:
    old, new = cut.pair(value_text(change.old), value_text(change.new), _VALUE_BYTES)
    return pb.Change(
        field=cut.text(change.field, ROLE_BYTES)[0],
        old_value=old[0],
        new_value=new[0],
        old_left_out=old[1],
        new_left_out=new[1],
    )


def value_text(value: FieldValue) -> str:
    """A field's value as text: states by blanks, a box as `x,y,width,height`, nothing as empty."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if value and isinstance(value[0], int):
        return ",".join(map(str, value))
    return " ".join(map(str, value))


def encode_findings(findings: Sequence[Finding], sides: Sides) -> list[verdict_pb2.Finding]:
    """What detectors found; of too much the first, which are the most severe."""
    return cut.fitting(findings, lambda f: _finding(f, sides), FINDINGS_BYTES, MAX_FINDINGS)


def _finding(finding: Finding, sides: Sides) -> verdict_pb2.Finding:
    path, in_a = finding.path, finding.node >= 0
    depth = sides.a.of(finding.node, path) if in_a else sides.b.of(finding.target, path)
    shown = shown_path(path, depth, sides.steps)
    message = encode_session_finding(finding)
    message.path.extend(shown.steps)
    message.path_left_out = shown.left_out
    return message


def encode_session_finding(finding: Finding) -> verdict_pb2.Finding:
    """What a detector found, which is about no node."""
    return verdict_pb2.Finding(
        detector=finding.detector,
        code=finding.code,
        severity=SEVERITIES[finding.severity],
        sentence=cut.text(finding.message, SENTENCE_BYTES)[0],
        digest=finding.digest,
    )
