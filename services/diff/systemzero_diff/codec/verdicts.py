"""Verdicts and matches as messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from systemzero.diff.v1 import verdict_pb2 as pb
from systemzero_core.drift import Finding, Judgement, Resolution, Verdict
from systemzero_core.match import MatchResult
from systemzero_diff.codec.edits import SEVERITIES, encode_finding, encode_judged

KINDS = {
    Verdict.UNCHANGED: pb.VERDICT_KIND_UNCHANGED,
    Verdict.DRIFT: pb.VERDICT_KIND_DRIFT,
    Verdict.UNKNOWN_SCREEN: pb.VERDICT_KIND_UNKNOWN_SCREEN,
    Verdict.INCONCLUSIVE: pb.VERDICT_KIND_INCONCLUSIVE,
}
_NO_EVENT = -1


def inconclusive(reasons: Iterable[str]) -> pb.Verdict:
    """The verdict on an incomplete capture."""
    return pb.Verdict(
        kind=pb.VERDICT_KIND_INCONCLUSIVE,
        explanation="the capture is incomplete: " + "; ".join(reasons),
        log_index=_NO_EVENT,
    )


def undecidable(reasons: Iterable[str]) -> pb.Verdict:
    """The verdict on a complete capture that its template can't judge."""
    return pb.Verdict(
        kind=pb.VERDICT_KIND_INCONCLUSIVE, explanation="; ".join(reasons), log_index=_NO_EVENT
    )


def unknown_screen(explanation: str, best: MatchResult | None) -> pb.Verdict:
    """The verdict on a capture that no template matches."""
    return pb.Verdict(
        kind=pb.VERDICT_KIND_UNKNOWN_SCREEN,
        explanation=explanation,
        match=None if best is None else encode_match(best),
        log_index=_NO_EVENT,
    )


def unchanged(
    match: pb.Match, explanation: str, findings: Sequence[Finding], decisions: Sequence[str] = ()
) -> pb.Verdict:
    """The verdict on a screen as approved."""
    return pb.Verdict(
        kind=pb.VERDICT_KIND_UNCHANGED,
        explanation=explanation,
        match=match,
        similarity=1.0,
        findings=map(encode_finding, findings),
        log_index=_NO_EVENT,
        decision_ids=decisions,
    )


def drift(match: pb.Match, judgement: Judgement, resolution: Resolution) -> pb.Verdict:
    """The verdict on drift, of which `resolution` says what is still open."""
    count = len(resolution.open_edits)
    screen = f"screen “{match.screen_id}”"
    return pb.Verdict(
        kind=pb.VERDICT_KIND_DRIFT,
        explanation=f"{screen} differs from its template in {count} place{'s' * (count != 1)}",
        match=match,
        similarity=judgement.similarity,
        severity=SEVERITIES[resolution.severity],
        script=encode_judged(resolution.open_edits, "; ".join(judgement.reasons)),
        findings=map(encode_finding, judgement.findings),
        fingerprint=resolution.fingerprint,
        values_digest=resolution.values_digest,
        log_index=_NO_EVENT,
        decision_ids=resolution.decisions,
    )


def with_findings(verdict: pb.Verdict, findings: Sequence[Finding]) -> pb.Verdict:
    """`verdict` and `findings` behind its own; what nothing is added to comes back as it is."""
    if not findings:
        return verdict
    added = pb.Verdict()
    added.CopyFrom(verdict)
    added.findings.extend(map(encode_finding, findings))
    return added


def drift_on_path(verdict: pb.Verdict, findings: Sequence[Finding]) -> None:
    """Put `findings` of the session's path before drift's own; it is as severe as they are."""
    own = list(verdict.findings)
    del verdict.findings[:]
    verdict.findings.extend(map(encode_finding, findings))
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
            pb.FeatureScore(feature=f.name, score=f.score, weight=f.weight, detail=f.detail)
            for f in result.features
        ],
    )
