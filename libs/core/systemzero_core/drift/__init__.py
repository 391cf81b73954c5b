"""Drift: from an edit script to a verdict, its severity, its fingerprint and what was decided.

See `docs/design/drift.md`.
"""

from systemzero_core.drift.model import (
    Context,
    Decision,
    DecisionKind,
    DecisionScope,
    Detector,
    EventState,
    Finding,
    JudgedEdit,
    Judgement,
    Resolution,
    Severity,
    Verdict,
    Visit,
)

__all__ = [
    "Context",
    "Decision",
    "DecisionKind",
    "DecisionScope",
    "Detector",
    "EventState",
    "Finding",
    "JudgedEdit",
    "Judgement",
    "Resolution",
    "Severity",
    "Verdict",
    "Visit",
]
