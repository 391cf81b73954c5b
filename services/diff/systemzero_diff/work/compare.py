"""Two trees compared, without any template."""

from __future__ import annotations

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import edit_script_pb2
from systemzero_base.lanes.worker import Desk
from systemzero_base.plugins import lane_formats
from systemzero_base.settings.redacting import rules_of
from systemzero_core.diff import EditScript, diff
from systemzero_core.drift import similarity
from systemzero_core.intake import Intake, equal
from systemzero_core.tree import Tree
from systemzero_diff.codec.edits import Sides, encode_script
from systemzero_diff.work.sources import Source, taken_in
from systemzero_wire.trees import encode_incompleteness, encode_signatures


def compare(_desk: Desk, a: Source, b: Source, told: bytes) -> bytes:
    """A serialised DiffResponse."""
    formats, rules = lane_formats(), rules_of(told)
    response = _compared(taken_in(a, formats, rules), taken_in(b, formats, rules))
    return response.SerializeToString()


def _compared(a: Intake, b: Intake) -> pb.DiffResponse:
    script = diff(a.tree, b.tree)
    whole = not a.incompleteness and not b.incompleteness
    comparison = edit_script_pb2.TreeComparison(
        equal=equal(a, b),
        structure_equal=whole and a.signatures.structure == b.signatures.structure,
        content_equal=whole and a.signatures.content == b.signatures.content,
        similarity=_similarity(a.tree, b.tree, script),
        signatures_a=encode_signatures(a.signatures),
        signatures_b=encode_signatures(b.signatures),
        incompleteness_a=[encode_incompleteness(*reason) for reason in a.incompleteness],
        incompleteness_b=[encode_incompleteness(*reason) for reason in b.incompleteness],
    )
    shown = encode_script(script, Sides.of(a.tree, b.tree))
    return pb.DiffResponse(comparison=comparison, script=shown)


def _similarity(a: Tree, b: Tree, script: EditScript) -> float:
    return similarity(a, b, script) if len(a) else 0.0
