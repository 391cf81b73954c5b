"""Verdicts and matches as messages, of 1,000,000 bytes at most.

A verdict is encoded once, as it is stored and told; what the service goes on with stands beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from systemzero.diff.v1 import edit_script_pb2
from systemzero.diff.v1 import verdict_pb2 as pb
from systemzero_core.drift import (
    NO_LAYERS,
    Finding,
    Judgement,
    Layers,
    Resolution,
    Verdict,
    script_fingerprint,
)
from systemzero_core.match import MatchResult
from systemzero_core.overlay import Overlay
from systemzero_diff.codec import cut
from systemzero_diff.codec.edits import (
    SENTENCE_BYTES,
    SEVERITIES,
    Sides,
    decode_findings,
    decode_judged,
    encode_findings,
    encode_judged,
    encode_session_finding,
)
from systemzero_diff.model import NO_EVENT, Drifted, Judged

T = TypeVar("T")

KINDS = {
    Verdict.UNCHANGED: pb.VERDICT_KIND_UNCHANGED,
    Verdict.DRIFT: pb.VERDICT_KIND_DRIFT,
    Verdict.UNKNOWN_SCREEN: pb.VERDICT_KIND_UNKNOWN_SCREEN,
    Verdict.INCONCLUSIVE: pb.VERDICT_KIND_INCONCLUSIVE,
}
_SEVERITY_WORDS = {value: severity for severity, value in SEVERITIES.items()}
_EXPLANATION_BYTES = 4_000
_REASONS = 20
"""Reasons that are told one by one, at most."""
_TOLD = 20
_TOLD_BYTES = 400
"""What one sentence takes of a log entry, at most."""


def inconclusive(reasons: Iterable[str]) -> Judged:
    """The verdict on an incomplete capture."""
    return _inconclusive("the capture is incomplete: " + _listed(reasons))


def undecidable(reasons: Iterable[str]) -> Judged:
    """The verdict on a complete capture that its template can't judge."""
    return _inconclusive(_listed(reasons))


def _inconclusive(explanation: str) -> Judged:
    message = pb.Verdict(
        kind=pb.VERDICT_KIND_INCONCLUSIVE, explanation=_said(explanation), log_index=NO_EVENT
    )
    return Judged(Verdict.INCONCLUSIVE, message.SerializeToString())


def unknown_screen(explanation: str, best: MatchResult | None) -> Judged:
    """The verdict on a capture that no template matches."""
    message = pb.Verdict(
        kind=pb.VERDICT_KIND_UNKNOWN_SCREEN,
        explanation=_said(explanation),
        match=None if best is None else encode_match(best),
        log_index=NO_EVENT,
    )
    return Judged(Verdict.UNKNOWN_SCREEN, message.SerializeToString())


def unchanged(
    match: bytes,
    explanation: str,
    findings: Sequence[Finding],
    sides: Sides,
    decisions: Sequence[str] = (),
) -> Judged:
    """The verdict on a screen as approved, which has this serialised `match`."""
    shown = encode_findings(findings, sides)
    found = pb.Match.FromString(match)
    message = pb.Verdict(
        kind=pb.VERDICT_KIND_UNCHANGED,
        explanation=_said(explanation),
        match=found,
        similarity=1.0,
        findings=shown,
        more_findings=len(findings) - len(shown),
        log_index=NO_EVENT,
        decision_ids=decisions,
    )
    body = message.SerializeToString()
    return Judged(Verdict.UNCHANGED, body, found.screen_id, bool(decisions))


def drift(
    match: bytes,
    judgement: Judgement,
    resolution: Resolution,
    sides: Sides,
    app: str,
    layers: Layers = NO_LAYERS,
) -> Judged:
    """The verdict on drift: `resolution` says what is still open, `layers` what came over it."""
    script = encode_judged(resolution.open_edits, _listed(judgement.reasons), sides)
    shown = encode_findings(resolution.findings, sides)
    found = pb.Match.FromString(match)
    message = pb.Verdict(
        kind=pb.VERDICT_KIND_DRIFT,
        explanation=_said(layers.explained(found.screen_id) or _differs(found.screen_id, script)),
        match=found,
        similarity=judgement.similarity,
        severity=SEVERITIES[resolution.severity],
        script=script,
        findings=shown,
        more_findings=len(judgement.findings) - len(shown),
        fingerprint=resolution.fingerprint,
        values_digest=_values_digest(resolution, script),
        log_index=NO_EVENT,
        decision_ids=resolution.decisions,
        overlays=map(_overlay, layers.overlays),
        beneath=KINDS[layers.beneath] if layers.beneath else pb.VERDICT_KIND_UNSPECIFIED,
    )
    return _drift(message, app)


def _overlay(overlay: Overlay) -> pb.Overlay:
    return pb.Overlay(
        kind=overlay.kind,
        label=cut.text(overlay.label, SENTENCE_BYTES)[0],
        nodes=overlay.size,
        sentence=cut.text(overlay.sentence, SENTENCE_BYTES)[0],
    )


def _drift(message: pb.Verdict, app: str) -> Judged:
    drifted = Drifted(
        app=app,
        template_id=message.match.template_id,
        template_version=message.match.version,
        severity=_SEVERITY_WORDS[message.severity],
        similarity=message.similarity,
        fingerprint=message.fingerprint,
        values_digest=message.values_digest,
        detector=message.findings[0].detector if message.findings else "",
        edits=_told(message.script.edits, message.script.more_edits, _edit_told),
        findings=_told(message.findings, message.more_findings, _finding_told),
    )
    body, decided = message.SerializeToString(), bool(message.decision_ids)
    return Judged(Verdict.DRIFT, body, message.match.screen_id, decided, drifted)


def _told(said: Sequence[T], more: int, tell: Callable[[T], str]) -> tuple[str, ...]:
    """What a log entry tells of a verdict, whose digest it has: sentences, and how many more."""
    told = tuple(cut.text(tell(each), _TOLD_BYTES)[0] for each in said[:_TOLD])
    left = len(said) - len(told) + more
    return (*told, f"and {left} more") if left else told


def _edit_told(edit: edit_script_pb2.Edit) -> str:
    return edit.sentence


def _finding_told(finding: pb.Finding) -> str:
    return f"{finding.detector}.{finding.code}: {finding.sentence}"


def _differs(screen_id: str, script: edit_script_pb2.EditScript) -> str:
    shown, more = len(script.edits), script.more_edits
    count = shown + more
    said = f"screen “{screen_id}” differs from its template in {count} place{'s' * (count != 1)}"
    return f"{said}, of which {shown} are shown" if more else said


def _values_digest(resolution: Resolution, script: edit_script_pb2.EditScript) -> str:
    """What events have in common that are decided about together: all of it, shown or not.

    Where not all is shown, those that show others of the same edits are other events.
    """
    if not script.more_edits:
        return resolution.values_digest
    shown = script_fingerprint(f"{e.values_digest} {e.place.exact}" for e in script.edits)
    return script_fingerprint((resolution.values_digest, f"shown {shown}"))


def _listed(reasons: Iterable[str]) -> str:
    """The first of `reasons`, and how many there are besides."""
    told = list(reasons)
    more = [f"and {len(told) - _REASONS:,} more"] if len(told) > _REASONS else []
    return "; ".join((*told[:_REASONS], *more))


def _said(explanation: str) -> str:
    return cut.text(explanation, _EXPLANATION_BYTES)[0]


def with_findings(judged: Judged, findings: Sequence[Finding]) -> Judged:
    """A verdict with `findings` of the session's path; without any it is the same."""
    if not findings:
        return judged
    message = pb.Verdict.FromString(judged.body)
    if judged.drift is not None:
        _put_before(message, findings)
        return _drift(message, judged.drift.app)
    message.findings.extend(map(encode_session_finding, findings))
    return msgspec.structs.replace(judged, body=message.SerializeToString())


def _put_before(verdict: pb.Verdict, findings: Sequence[Finding]) -> None:
    """Put `findings` of the session's path before drift's own; it is as severe as they are."""
    own = list(verdict.findings)
    del verdict.findings[:]
    verdict.findings.extend(map(encode_session_finding, findings))
    verdict.severity = max(verdict.severity, *(each.severity for each in verdict.findings))
    verdict.findings.extend(own)


def match_bytes(result: MatchResult) -> bytes:
    """As `encode_match`, serialised."""
    return encode_match(result).SerializeToString()


def decode_judgement(verdict: bytes) -> Judgement:
    """The judgement that a serialised verdict of drift tells: what was open then."""
    message = pb.Verdict.FromString(verdict)
    return Judgement(
        Verdict.DRIFT,
        similarity=message.similarity,
        edits=decode_judged(message.script),
        findings=decode_findings(message.findings),
    )


def encode_match(result: MatchResult) -> pb.Match:
    """A template and how well it fits."""
    return pb.Match(
        template_id=result.template_id,
        version=result.version,
        screen_id=result.screen_id,
        score=result.score,
        features=[
            pb.FeatureScore(
                feature=f.name,
                score=f.score,
                weight=f.weight,
                detail=cut.text(f.detail, SENTENCE_BYTES)[0],
            )
            for f in result.features
        ],
    )
