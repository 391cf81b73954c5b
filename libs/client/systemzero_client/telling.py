"""The edits of a verdict as lines that a person reads: made here, of the edits alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from systemzero.diff.v1 import edit_script_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_core.diff import Change, Edit, EditKind, FieldValue, PathStep, RecordedTeller
from systemzero_core.drift import JudgedEdit
from systemzero_core.grouping import Telling, tell
from systemzero_core.tree import Bounds, Node

_KINDS: Final = {
    edit_script_pb2.EDIT_KIND_INSERT: EditKind.INSERT,
    edit_script_pb2.EDIT_KIND_DELETE: EditKind.DELETE,
    edit_script_pb2.EDIT_KIND_UPDATE: EditKind.UPDATE,
    edit_script_pb2.EDIT_KIND_MOVE: EditKind.MOVE,
}
_BOX: Final = 4
"""Numbers of a box."""


def tell_script(script: edit_script_pb2.EditScript) -> Telling:
    """What people are told of a verdict's script: lines of its edits, by their indices, a summary.

    What the script only counts (`more_edits`) is in no line.
    """
    return tell([decode_edit(edit).edit for edit in script.edits])


def decode_edit(edit: edit_script_pb2.Edit) -> JudgedEdit:
    """An edit as far as it is told: what it quotes of long texts stands for them."""
    named = edit.kind in (edit_script_pb2.EDIT_KIND_INSERT, edit_script_pb2.EDIT_KIND_DELETE)
    shown = Edit(
        _KINDS.get(edit.kind, EditKind.UPDATE),
        size=edit.size or 1,
        changes=tuple(map(_change, edit.changes)),
        nodes=tuple(map(_node, edit.nodes)) if named else (),
        around=(-1, edit.around),
        teller=RecordedTeller(
            steps(edit.path, edit.path_left_out),
            steps(edit.parent_path, edit.parent_path_left_out),
            edit.sentence,
        ),
    )
    return JudgedEdit(shown, edit.weight, edit.volatile, edit.fingerprint, edit.values_digest)


def steps(path: Sequence[edit_script_pb2.PathStep], left_out: int) -> tuple[PathStep, ...]:
    """A path, with `…` for the steps that it lacks."""
    shown = [PathStep(step.role, step.name, step.nth) for step in path]
    return (*([PathStep("…")] if left_out else []), *shown)


def _change(change: edit_script_pb2.Change) -> Change:
    old, new = (_value(change.field, text) for text in (change.old_value, change.new_value))
    return Change(change.field, old, new)


def _value(field: str, text: str) -> FieldValue:
    if field == "states":
        return tuple(text.split())
    if field != "bounds":
        return text or None if field.startswith("attributes.") else text
    numbers = text.split(",")
    try:
        return Bounds(*map(int, numbers)) if len(numbers) == _BOX else None
    except ValueError:
        return None


def _node(node: tree_pb2.Node) -> Node:
    return Node(node.role, node.name, node.value)
