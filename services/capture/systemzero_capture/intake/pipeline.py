"""From a native capture to a normalised, signed tree: pure work, in a lane if it is much.

decode -> without secrets -> completeness gate -> normalise -> sign
"""

from __future__ import annotations

from systemzero_capture.model import ContentFacts, Decoded, Native, Reason
from systemzero_core.formats import Formats
from systemzero_core.intake import Intake, take_in, take_in_tree
from systemzero_core.redaction import Rules
from systemzero_core.tree import Tree


def decode_native(native: Native, formats: Formats, rules: Rules) -> Decoded:
    """A native document, decoded; see `take_in`."""
    intake = take_in(
        native.data,
        format=native.form,
        dom=native.dom,
        frames=native.frames,
        formats=formats,
        rules=rules,
    )
    return _decoded(intake)


def decode_tree(tree: Tree, rules: Rules) -> Decoded:
    """A tree that the client sent as a message."""
    return _decoded(take_in_tree(tree, rules=rules))


def _decoded(intake: Intake) -> Decoded:
    reasons = tuple(Reason(i.reason, i.detail) for i in intake.incompleteness)
    known = ContentFacts(intake.signatures, len(intake.tree), intake.format, reasons)
    return Decoded(known, intake.tree)
