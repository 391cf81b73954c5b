"""Edits, paths and findings as messages."""

from __future__ import annotations

from collections.abc import Iterable

from systemzero.diff.v1 import edit_script_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_core.diff import Change, Edit, EditKind, EditScript, FieldValue, PathStep, Told
from systemzero_core.drift import Finding, JudgedEdit, Severity

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


def encode_script(script: EditScript) -> pb.EditScript:
    """An exact script."""
    return pb.EditScript(edits=map(encode_edit, script.edits), degraded=script.degraded)


def encode_judged(edits: Iterable[JudgedEdit], degraded: str) -> pb.EditScript:
    """What a policy let through."""
    return pb.EditScript(edits=map(_judged, edits), degraded=degraded)


def _judged(judged: JudgedEdit) -> pb.Edit:
    message = encode_edit(judged.edit)
    message.fingerprint = judged.fingerprint
    message.values_digest = judged.values_digest
    message.weight = judged.weight
    message.volatile = judged.volatile
    return message


def encode_edit(edit: Edit) -> pb.Edit:
    """One edit."""
    return pb.Edit(
        kind=_KINDS[edit.kind],
        node=edit.node,
        target=edit.target,
        size=edit.size,
        path=encode_path(edit.path),
        changes=map(_change, edit.changes),
        parent_path=encode_path(edit.parent),
        sentence=edit.sentence,
    )


def decode_judged(script: pb.EditScript) -> tuple[JudgedEdit, ...]:
    """The edits of a verdict, as far as a decision needs them: which, where, of which values."""
    return tuple(
        JudgedEdit(
            Edit(_EDIT_KINDS[edit.kind], teller=Told(_decode_path(edit.path), said=edit.sentence)),
            edit.weight,
            edit.volatile,
            edit.fingerprint,
            edit.values_digest,
        )
        for edit in script.edits
    )


def _decode_path(path: Iterable[pb.PathStep]) -> tuple[PathStep, ...]:
    return tuple(PathStep(step.role, step.name, step.nth) for step in path)


def encode_path(path: Iterable[PathStep]) -> list[pb.PathStep]:
    """A path from the root."""
    return [pb.PathStep(role=step.role, name=step.name, nth=step.nth) for step in path]


def _change(change: Change) -> pb.Change:
    return pb.Change(
        field=change.field, old_value=value_text(change.old), new_value=value_text(change.new)
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


def encode_finding(finding: Finding) -> verdict_pb2.Finding:
    """What a detector found."""
    return verdict_pb2.Finding(
        detector=finding.detector,
        code=finding.code,
        severity=SEVERITIES[finding.severity],
        sentence=finding.message,
        path=encode_path(finding.path),
    )
