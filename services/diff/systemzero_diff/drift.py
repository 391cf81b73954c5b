"""Drift, judged: all that is recorded of it but when, and of which capture.

Kept serialised: a verdict with hundreds of edits is thousands of objects otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from systemzero.diff.v1 import verdict_pb2
from systemzero_core.drift import Finding, Resolution
from systemzero_diff.codec import verdicts
from systemzero_diff.codec.edits import SEVERITIES
from systemzero_diff.model import NewEvent

_SEVERITIES = {value: severity for severity, value in SEVERITIES.items()}


class Drift(msgspec.Struct, frozen=True, gc=False):
    """What differs from a template.

    Attributes:
        verdict: the serialised verdict, without an event.
        screen_id: the template's screen.
        app: the application, as the template says, or else the client.
        decided: whether decisions had a say, which may expire: not to be used again.
    """

    verdict: bytes
    screen_id: str
    app: str
    decided: bool

    @classmethod
    def of(cls, verdict: verdict_pb2.Verdict, resolution: Resolution, app: str) -> Drift:
        """That of `verdict`, which says what `resolution` left open."""
        decided = bool(resolution.decisions)
        return cls(verdict.SerializeToString(), verdict.match.screen_id, app, decided)

    def event(
        self,
        verdict: verdict_pb2.Verdict,
        event_id: str,
        create_time: int,
        capture_id: str,
        findings: Sequence[Finding],
    ) -> NewEvent:
        """The event of a capture; `verdict` becomes its own, with the session's `findings`."""
        verdict.ParseFromString(self.verdict)
        serialised = self.verdict
        if findings:
            verdicts.drift_on_path(verdict, findings)
            serialised = verdict.SerializeToString()
        return NewEvent(
            event_id=event_id,
            create_time=create_time,
            capture_id=capture_id,
            app=self.app,
            screen_id=self.screen_id,
            template_id=verdict.match.template_id,
            template_version=verdict.match.version,
            severity=_SEVERITIES[verdict.severity],
            fingerprint=verdict.fingerprint,
            values_digest=verdict.values_digest,
            verdict=serialised,
        )
