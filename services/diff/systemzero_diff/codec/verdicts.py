"""Verdicts and matches as messages, of 1,000,000 bytes at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from systemzero.diff.v1 import edit_script_pb2
from systemzero.diff.v1 import verdict_pb2 as pb
from systemzero_core.drift import Finding, Judgement, Resolution, Verdict, script_fingerprint
from systemzero_core.match import MatchResult
from systemzero_diff.codec import cut
from systemzero_diff.codec.edits import (
    SENTENCE_BYTES,
    SEVERITIES,
    Sides,
    encode_findings,
    encode_judged,
    encode_session_finding,
)

KINDS = {
    Verdict.UNCHANGED: pb.VERDICT_KIND_UNCHANGED,
    Verdict.DRIFT: pb.VERDICT_KIND_DRIFT,
    Verdict.UNKNOWN_SCREEN: pb.VERDICT_KIND_UNKNOWN_SCREEN,
    Verdict.INCONCLUSIVE: pb.VERDICT_KIND_INCONCLUSIVE,
}
_NO_EVENT = -1
_EXPLANATION_BYTES = 4_000
_REASONS = 20
"""Reasons that are told one by one, at most."""


def inconclusive(reasons: Iterable[str]) -> pb.Verdict:
    """The verdict on an incomplete capture."""
    return pb.Verdict(
        kind=pb.VERDICT_KIND_INCONCLUSIVE,
        explanation=_said("the capture is incomplete: " + _listed(reasons)),
        log_index=_NO_EVENT,
    )


def undecidable(reasons: Iterable[str]) -> pb.Verdict:
    """The verdict on a complete capture that its template can't judge."""
    return pb.Verdict(
        kind=pb.VERDICT_KIND_INCONCLUSIVE,
        explanation=_said(_listed(reasons)),
        log_index=_NO_EVENT,
    )


def unknown_screen(explanation: str, best: MatchResult | None) -> pb.Verdict:
    """The verdict on a capture that no template matches."""
    return pb.Verdict(
        kind=pb.VERDICT_KIND_UNKNOWN_SCREEN,
        explanation=_said(explanation),
        match=None if best is None else encode_match(best),
        log_index=_NO_EVENT,
    )


def unchanged(
    match: pb.Match,
    explanation: str,
    findings: Sequence[Finding],
    sides: Sides,
    decisions: Sequence[str] = (),
) -> pb.Verdict:
    """The verdict on a screen as approved."""
    shown = encode_findings(findings, sides)
    return pb.Verdict(
        kind=pb.VERDICT_KIND_UNCHANGED,
        explanation=_said(explanation),
        match=match,
        similarity=1.0,
        findings=shown,
        more_findings=len(findings) - len(shown),
        log_index=_NO_EVENT,
        decision_ids=decisions,
    )


def drift(
    match: pb.Match, judgement: Judgement, resolution: Resolution, sides: Sides
) -> pb.Verdict:
    """The verdict on drift, of which `resolution` says what is still open."""
    script = encode_judged(resolution.open_edits, _listed(judgement.reasons), sides)
    shown = encode_findings(resolution.findings, sides)
    return pb.Verdict(
        kind=pb.VERDICT_KIND_DRIFT,
        explanation=_differs(match.screen_id, len(script.edits), script.more_edits),
        match=match,
        similarity=judgement.similarity,
        severity=SEVERITIES[resolution.severity],
        script=script,
        findings=shown,
        more_findings=len(judgement.findings) - len(shown),
        fingerprint=resolution.fingerprint,
        values_digest=_values_digest(resolution, script),
        log_index=_NO_EVENT,
        decision_ids=resolution.decisions,
    )


def _differs(screen_id: str, shown: int, more: int) -> str:
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


def with_findings(verdict: pb.Verdict, findings: Sequence[Finding]) -> pb.Verdict:
    """`verdict` and `findings` behind its own; what nothing is added to comes back as it is."""
    if not findings:
        return verdict
    added = pb.Verdict()
    added.CopyFrom(verdict)
    added.findings.extend(map(encode_session_finding, findings))
    return added


def drift_on_path(verdict: pb.Verdict, findings: Sequence[Finding]) -> None:
    """Put `findings` of the session's path before drift's own; it is as severe as they are."""
    own = list(verdict.findings)
    del verdict.findings[:]
    verdict.findings.extend(map(encode_session_finding, findings))
    verdict.severity = max(verdict.severity, *(each.severity for each in verdict.findings))
    verdict.findings.extend(own)


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
