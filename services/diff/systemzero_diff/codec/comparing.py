"""Two trees compared, as a message."""

from __future__ import annotations

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import edit_script_pb2
from systemzero_core.diff import EditScript
from systemzero_core.intake import Intake, equal
from systemzero_diff.codec.edits import Sides, encode_script
from systemzero_wire.trees import encode_incompleteness, encode_signatures


def encode_comparison(a: Intake, b: Intake, script: EditScript, similarity: float) -> bytes:
    """A serialised DiffResponse: what `script` makes of `a` is `b`."""
    whole = not a.incompleteness and not b.incompleteness
    comparison = edit_script_pb2.TreeComparison(
        equal=equal(a, b),
        structure_equal=whole and a.signatures.structure == b.signatures.structure,
        content_equal=whole and a.signatures.content == b.signatures.content,
        similarity=similarity,
        signatures_a=encode_signatures(a.signatures),
        signatures_b=encode_signatures(b.signatures),
        incompleteness_a=[encode_incompleteness(*reason) for reason in a.incompleteness],
        incompleteness_b=[encode_incompleteness(*reason) for reason in b.incompleteness],
    )
    shown = encode_script(script, Sides.of(a.tree, b.tree))
    return pb.DiffResponse(comparison=comparison, script=shown).SerializeToString()
