"""Events, decisions and what the log says of them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_core.drift import Decision, DecisionKind, DecisionScope, Severity
from systemzero_core.errors import InvalidInput
from systemzero_diff.digests import decision_body, digest
from systemzero_diff.model import Drifted, NewEvent, StoredDecision, StoredEvent
from systemzero_wire import fields

_STATES = {
    DecisionKind.APPROVE: pb.EVENT_STATE_APPROVED,
    DecisionKind.REJECT: pb.EVENT_STATE_REJECTED,
    DecisionKind.SNOOZE: pb.EVENT_STATE_SNOOZED,
}
STATE_WORDS = {
    pb.EVENT_STATE_UNSPECIFIED: "",
    pb.EVENT_STATE_OPEN: "open",
    **{value: kind.value for kind, value in _STATES.items()},
}
_SCOPES = {
    pb.DECISION_SCOPE_UNSPECIFIED: DecisionScope.SCREEN,
    pb.DECISION_SCOPE_NODE: DecisionScope.NODE,
    pb.DECISION_SCOPE_SUBTREE: DecisionScope.SUBTREE,
    pb.DECISION_SCOPE_SCREEN: DecisionScope.SCREEN,
    pb.DECISION_SCOPE_APP: DecisionScope.APP,
    pb.DECISION_SCOPE_TENANT: DecisionScope.TENANT,
}
_SCOPE_VALUES = {
    scope.value: value for value, scope in _SCOPES.items() if value != pb.DECISION_SCOPE_UNSPECIFIED
}
SEVERITY_RANKS = {
    verdict_pb2.SEVERITY_UNSPECIFIED: 0,
    verdict_pb2.SEVERITY_INFO: Severity.INFO.rank,
    verdict_pb2.SEVERITY_WARNING: Severity.WARNING.rank,
    verdict_pb2.SEVERITY_CRITICAL: Severity.CRITICAL.rank,
}


def decode_scope(value: pb.DecisionScope.ValueType) -> DecisionScope:
    """How far a decision reaches.

    Raises:
        InvalidInput: no scope of the contract's.
    """
    if value not in _SCOPES:
        raise InvalidInput.at("scope", f"{value} is no scope")
    return _SCOPES[value]


def encode_event(stored: StoredEvent, now: int) -> pb.DriftEvent:
    """An event in the state that it has at the time `now`."""
    event = stored.event
    holding = stored.holding(now)
    verdict = verdict_pb2.Verdict.FromString(event.verdict)
    verdict.event_id, verdict.log_index = event.event_id, stored.log_index
    message = pb.DriftEvent(
        event_id=event.event_id,
        create_time=fields.timestamp(event.create_time),
        capture_id=event.capture_id,
        app=event.app,
        screen_id=event.screen_id,
        verdict=verdict,
        state=_STATES[holding.kind] if holding else pb.EVENT_STATE_OPEN,
        log_index=stored.log_index,
    )
    if stored.erase_time is not None:
        message.erase_time.CopyFrom(fields.timestamp(stored.erase_time))
    if stored.decision is not None:
        message.decision.CopyFrom(encode_decision(stored.decision))
    return message


def encode_decision(decision: StoredDecision) -> pb.Decision:
    """A decision."""
    message = pb.Decision(
        decision_id=decision.decision_id,
        state=_STATES[decision.kind],
        scope=_SCOPE_VALUES[decision.scope],
        reason=decision.reason,
        principal=decision.actor,
        create_time=fields.timestamp(decision.create_time),
        log_index=decision.log_index,
        patterns=decision.patterns,
    )
    if decision.expire_time is not None:
        message.expire_time.CopyFrom(fields.timestamp(decision.expire_time))
    return message


def event_record(
    event: NewEvent,
    drift: Drifted,
    full_digest: str,
    originals: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """What the log records of an event: enough to prove what was seen and why it was reported.

    `originals` are digests of what is kept of the capture as it was sent, by name.
    """
    return {
        **originals,
        "event_id": event.event_id,
        "capture_id": event.capture_id,
        "app": event.app,
        "screen_id": event.screen_id,
        "template_id": event.template_id,
        "template_version": event.template_version,
        "capture_digest": full_digest,
        "severity": event.severity.value,
        "similarity": round(drift.similarity, 6),
        "fingerprint": event.fingerprint,
        "values_digest": event.values_digest,
        "edits": drift.edits,
        "verdict_digest": digest(event.verdict),
        "findings": drift.findings,
    }


def decision_record(decision: Decision, event_id: str) -> dict[str, Any]:
    """What the log records of a decision: who, what, how far, until when and why."""
    return {
        "decision_id": decision.decision_id,
        "event_id": event_id,
        "kind": decision.kind.value,
        "scope": decision.scope.value,
        "screen_id": decision.screen_id,
        "app": decision.app,
        "values_digests": sorted({covered.values_digest for covered in decision.edits}),
        "findings": list(decision.findings),
        "patterns": list(decision.patterns),
        "reason": decision.reason,
        "actor": decision.actor,
        "expire_time": decision.expire_time,
        "digest": digest(decision_body(decision)),
    }
