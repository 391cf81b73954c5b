"""Rows of the diff database to values, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row

from systemzero_core.drift import Decision, DecisionKind, DecisionScope, Severity
from systemzero_core.template import Template
from systemzero_diff.digests import decision_body, template_body
from systemzero_diff.model import (
    DecisionEffect,
    NewEvent,
    StoredDecision,
    StoredEvent,
    StoredTemplate,
)
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.store.tables import DECISIONS, TEMPLATES, VERDICT_BODIES
from systemzero_diff.work.packed import ListedTemplate
from systemzero_storage.database import BodyErased, TenantConnection
from systemzero_storage.tree_body import compress

_T = TEMPLATES.c
_SEVERITIES = (Severity.INFO, Severity.WARNING, Severity.CRITICAL)
_decode_decision = msgspec.json.Decoder(Decision).decode


class _Told(msgspec.Struct, frozen=True):
    """What people are told of a decision, of its body; its edits are left unread."""

    decision_id: str
    kind: DecisionKind
    create_time: int
    expire_time: int | None = None
    scope: DecisionScope = DecisionScope.SCREEN
    reason: str = ""
    actor: str = ""
    patterns: tuple[str, ...] = ()


_decode_told = msgspec.json.Decoder(_Told).decode


def template_values(connection: TenantConnection, template: Template) -> dict[str, Any]:
    """The template's own columns: its fields as JSON, its tree compressed beside them."""
    row, tree = (template.template_id, template.version), template.tree
    return {
        "template_id": template.template_id,
        "version": template.version,
        "screen_id": template.screen_id,
        "app": template.app,
        "body": connection.seal(_T.body, template_body(template), *row),
        "tree": None if tree is None else connection.seal(_T.tree, compress(tree), *row),
    }


def template_of_row(connection: TenantConnection, row: Row[Any]) -> StoredTemplate:
    """A row of `templates`; one that was read without its tree has none."""
    packed = packed_of_row(connection, row)
    return StoredTemplate(
        template=packed.unpacked(),
        position=row.position,
        create_time=row.create_time,
        etag=row.etag,
        deleted=row.deleted,
    )


def packed_of_row(connection: TenantConnection, row: Row[Any]) -> PackedTemplate:
    """A row of `templates` as it is stored; one that was read without its tree has none.

    Of one that was erased with its tenant, id, version, screen and application are left.
    """
    try:
        body, tree = template_bodies(connection, row)
    except BodyErased:
        body, tree = template_body(_what_is_left(row)), None
    return PackedTemplate(
        template_id=row.template_id,
        version=row.version,
        screen_id=row.screen_id,
        position=row.position,
        deleted=row.deleted,
        body=body,
        tree=tree,
    )


def listed_of_row(connection: TenantConnection, row: Row[Any]) -> ListedTemplate:
    """A row of `templates` as a list tells it."""
    packed = packed_of_row(connection, row)
    told = (row.position, row.create_time, row.etag)
    return ListedTemplate(packed.screen_id, packed.body, *told)


def _what_is_left(row: Row[Any]) -> Template:
    return Template(
        template_id=row.template_id, screen_id=row.screen_id, app=row.app, version=row.version
    )


def template_bodies(connection: TenantConnection, row: Row[Any]) -> tuple[bytes, bytes | None]:
    """Body and compressed tree of a row of `templates`; None for a tree that was not read.

    Raises:
        BodyErased: they were erased.
    """
    key, tree = (row.template_id, row.version), getattr(row, "tree", None)
    body = connection.open(_T.body, row.body, *key)
    return body, None if tree is None else connection.open(_T.tree, tree, *key)


def event_values(connection: TenantConnection, event: NewEvent) -> dict[str, Any]:
    """The event's own columns."""
    values = msgspec.structs.asdict(event)
    values["verdict"] = VERDICT_BODIES.put(connection, event.verdict)
    values["severity"] = event.severity.rank
    return values


def event_of_row(
    row: Row[Any],
    verdicts: Mapping[bytes, bytes],
    decision: StoredDecision | None = None,
    held: tuple[DecisionEffect, ...] = (),
) -> StoredEvent:
    """A row of `events`, with what was decided; with no verdict if it was erased."""
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
        values_digest=row.values_digest,
        verdict=verdicts.get(row.verdict, b""),
    )
    return StoredEvent(event, row.position, row.log_index, decision, held, row.erase_time)


def decision_values(connection: TenantConnection, decision: Decision) -> dict[str, Any]:
    """The decision's own columns."""
    return {
        "decision_id": decision.decision_id,
        "kind": decision.kind.value,
        "create_time": decision.create_time,
        "expire_time": decision.expire_time,
        "body": connection.seal(DECISIONS.c.body, decision_body(decision), decision.decision_id),
    }


def stored_body(connection: TenantConnection, row: Row[Any]) -> bytes:
    """The body in a row of `decisions`.

    Raises:
        BodyErased: it was erased.
    """
    return connection.open(DECISIONS.c.body, row.body, row.decision_id)


def decision_of_row(connection: TenantConnection, row: Row[Any]) -> Decision:
    """A row of `decisions`, as the domain knows it; erased ones cover nothing any more."""
    try:
        return _decode_decision(stored_body(connection, row))
    except BodyErased:
        return Decision(
            decision_id=row.decision_id,
            kind=DecisionKind(row.kind),
            scope=DecisionScope.SCREEN,
            edits=(),
            screen_id="",
            app="",
            reason="",
            actor="",
            create_time=row.create_time,
            expire_time=row.expire_time,
        )


def told_decision(connection: TenantConnection, row: Row[Any]) -> StoredDecision:
    """A row of `decisions`, as people see it: without its edits, of which there may be many."""
    try:
        told = _decode_told(stored_body(connection, row))
    except BodyErased:
        told = _Told(row.decision_id, DecisionKind(row.kind), row.create_time, row.expire_time)
    return stored_decision(told, row.event_id, row.log_index)


def stored_decision(decision: Decision | _Told, event_id: str, log_index: int) -> StoredDecision:
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
        patterns=decision.patterns,
    )
