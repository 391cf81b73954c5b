"""Rows of the diff database to values, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
from sqlalchemy import Row

from systemzero_chassis.tree_body import compress, decompress
from systemzero_core.drift import Decision, Severity
from systemzero_core.template import Template
from systemzero_diff.digests import decision_body, template_body
from systemzero_diff.model import NewEvent, StoredDecision, StoredEvent, StoredTemplate

_SEVERITIES = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
_decode_template = msgspec.json.Decoder(Template, dec_hook=lambda _kind, value: value).decode
_decode_decision = msgspec.json.Decoder(Decision).decode


def template_values(template: Template) -> dict[str, Any]:
    """The template's own columns: its fields as JSON, its tree compressed beside them."""
    return {
        "template_id": template.template_id,
        "version": template.version,
        "screen_id": template.screen_id,
        "app": template.app,
        "body": template_body(template),
        "tree": None if template.tree is None else compress(template.tree),
    }


def template_of_row(row: Row[Any]) -> StoredTemplate:
    """A row of `templates`; one that was read without its tree has none."""
    template = _decode_template(row.body)
    body = getattr(row, "tree", None)
    tree = None if body is None else decompress(body)
    return StoredTemplate(
        template=msgspec.structs.replace(template, tree=tree),
        position=row.position,
        create_time=row.create_time,
        etag=row.etag,
        deleted=row.deleted,
    )


def event_values(event: NewEvent) -> dict[str, Any]:
    """The event's own columns."""
    values = msgspec.structs.asdict(event)
    values["severity"] = event.severity.rank
    return values


def event_of_row(row: Row[Any], decisions: Iterable[StoredDecision]) -> StoredEvent:
    """A row of `events`, with what was decided, oldest first."""
    event = NewEvent(
        event_id=row.event_id,
        create_time=row.create_time,
        capture_id=row.capture_id,
        app=row.app,
        screen_id=row.screen_id,
        template_id=row.template_id,
        template_version=row.template_version,
        severity=_SEVERITIES[row.severity],
        fingerprint=row.fingerprint,
        verdict=row.verdict,
    )
    return StoredEvent(event, row.position, row.log_index, tuple(decisions), row.erase_time)


def decision_values(decision: Decision) -> dict[str, Any]:
    """The decision's own columns."""
    return {
        "decision_id": decision.decision_id,
        "kind": decision.kind.value,
        "create_time": decision.create_time,
        "expire_time": decision.expire_time,
        "body": decision_body(decision),
    }


def decision_of_row(row: Row[Any]) -> Decision:
    """A row of `decisions`, as the domain knows it."""
    return _decode_decision(row.body)


def stored_decision(decision: Decision, event_id: str, log_index: int) -> StoredDecision:
    """A decision, as people see it."""
    return StoredDecision(
        decision_id=decision.decision_id,
        event_id=event_id,
        kind=decision.kind,
        scope=decision.scope.value,
        reason=decision.reason,
        actor=decision.actor,
        create_time=decision.create_time,
        expire_time=decision.expire_time,
        log_index=log_index,
    )
