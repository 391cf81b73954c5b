"""A judgement for people (text) and for programs (JSON): what differs, what each edit counts for.

The exact script's forms are `systemzero_core.diff.render_text` and `to_json`.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from systemzero_core.diff import format_path
from systemzero_core.diff.render import edit_lines, edit_to_json, printable
from systemzero_core.drift.model import Finding, JudgedEdit, Judgement, Severity

_COLOURS = {Severity.INFO: "2", Severity.WARNING: "33", Severity.CRITICAL: "31"}


def render_judged(edits: Iterable[JudgedEdit], *, degraded: str = "", colour: bool = False) -> str:
    """Two lines an edit, as `render_text`, with what it costs behind its sentence.

    Args:
        edits: what to show.
        degraded: what was approximated, if anything was.
        colour: with ANSI colours, for a terminal.

    Returns:
        Lines joined by newlines, none at the end; `no differences` without edits.
    """
    lines = [
        line
        for judged in edits
        for line in edit_lines(judged.edit, _contribution(judged), colour=colour)
    ]
    if not lines:
        return "no differences"
    if degraded:
        lines.append(f"! degraded: {degraded}")
    return "\n".join(lines)


def render_judgement(judgement: Judgement, *, colour: bool = False) -> str:
    """A line with verdict, severity and similarity; the edits; then what detectors found.

    The severity is the worst of what the similarity gives and of the findings, so that both are
    there to see. Nothing captured can steer the reader's terminal.
    """
    head = f"{judgement.verdict} {judgement.severity} similarity {judgement.similarity:.3f}"
    lines = [_painted(head, judgement.severity, colour=colour)]
    if judgement.overlays:
        over = " and ".join(printable(overlay.sentence) for overlay in judgement.overlays)
        lines.append(f"over it: {over}; the screen by itself: {judgement.beneath}")
    degraded = "; ".join(judgement.reasons)
    lines.append(render_judged(judgement.edits, degraded=degraded, colour=colour))
    for finding in judgement.findings:
        lines.extend(_finding_lines(finding, colour=colour))
    return "\n".join(lines)


def judgement_to_json(judgement: Judgement) -> bytes:
    """The judgement as UTF-8 JSON; field names are those of `Judgement` and what it holds.

    Each of `edits` has its `weight` (share of the similarity that was lost), `volatile` and
    `fingerprint` beside the `edit`, whose fields are those of `to_json`.
    """
    edits = [
        _Written(edit_to_json(j.edit), j.weight, j.volatile, j.fingerprint, j.values_digest)
        for j in judgement.edits
    ]
    fields = {name: getattr(judgement, name) for name in judgement.__struct_fields__}
    return msgspec.json.encode({**fields, "edits": edits})


class _Written(msgspec.Struct):
    """A judged edit as JSON has it."""

    edit: msgspec.Raw
    weight: float
    volatile: bool
    fingerprint: str
    values_digest: str


def _contribution(judged: JudgedEdit) -> str:
    cost = f"(similarity -{judged.weight:.2%}"
    return f"{cost}, a live value)" if judged.volatile else f"{cost})"


def _finding_lines(finding: Finding, *, colour: bool) -> Iterable[str]:
    said = f"! {finding.severity} {finding.detector}.{finding.code}: {printable(finding.message)}"
    yield _painted(said, finding.severity, colour=colour)
    if finding.path:
        yield f"    {printable(format_path(finding.path))}"


def _painted(text: str, severity: Severity, *, colour: bool) -> str:
    return f"\x1b[{_COLOURS[severity]}m{text}\x1b[0m" if colour else text
