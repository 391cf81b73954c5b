"""Rows of the capture database to values, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Column, Row

from systemzero_capture.model import ContentFacts, Reason, Sighting, StoredCapture
from systemzero_capture.store.tables import KINDS
from systemzero_core.signature import Signatures
from systemzero_storage.database import ERASED, BodyErased, TenantConnection
from systemzero_storage.verdict_bodies import verdict_digest

_encode_reasons = msgspec.json.Encoder().encode
_decode_reasons = msgspec.json.Decoder(tuple[Reason, ...]).decode
_encode_kind = msgspec.msgpack.Encoder().encode
_KIND_BYTES = 16
_KIND_COLUMNS = (
    "full_digest",
    "format",
    "incompleteness",
    "app",
    "screen_hint",
    "claimed_by_digest",
    "verdict",
)
_SEALED: tuple[Column[Any], ...] = (KINDS.c.incompleteness,)
_ERASED_REASONS = _encode_reasons((Reason("unspecified", "erased"),))
_REQUEST_BYTES = 12


def tree_values(known: ContentFacts, stored: bytes) -> dict[str, Any]:
    """A row of `trees`, with the body as it is to be stored."""
    return {
        "full_digest": known.signatures.full,
        "structure_digest": known.signatures.structure,
        "content_digest": known.signatures.content,
        "node_count": known.node_count,
        "complete": not known.incompleteness,
        "body": stored,
    }


def kind_values(known: ContentFacts, sighting: Sighting, verdict: bytes) -> dict[str, Any]:
    """A row of `kinds`, but its number; of the serialised `verdict` it has the digest."""
    values = {
        "full_digest": known.signatures.full,
        "format": str(known.format) if known.format else None,
        "incompleteness": _encode_reasons(known.incompleteness) if known.incompleteness else None,
        "app": sighting.app,
        "screen_hint": sighting.screen_hint,
        "claimed_by_digest": sighting.claimed_by_digest,
        "verdict": verdict_digest(verdict) if verdict else None,
    }
    return {**values, "digest": kind_digest(values)}


def sealed_kind(connection: TenantConnection, values: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `kinds` as it is to be stored."""
    return {**values, **{c.name: _seal(connection, c, values) for c in _SEALED}}


def _seal(connection: TenantConnection, column: Column[Any], row: Mapping[str, Any]) -> Any:
    body = row[column.name]
    return None if body is None else connection.seal(column, body, row["digest"])


def opened_kind(connection: TenantConnection, row: Row[Any]) -> dict[str, Any]:
    """The columns of `kinds` that are sealed, as they were before.

    Raises:
        BodyErased: they were erased.
    """
    if row.verdict == ERASED:
        raise BodyErased(f"kinds row {row.kind}: verdict was erased")
    return {column.name: _open(connection, column, row) for column in _SEALED}


def _open(connection: TenantConnection, column: Column[Any], row: Row[Any]) -> bytes | None:
    stored = getattr(row, column.name)
    return None if stored is None else connection.open(column, stored, row.digest)


def kind_digest(row: Mapping[str, Any]) -> bytes:
    """The digest of a row of `kinds`, of all that it says."""
    values = [row[name] for name in _KIND_COLUMNS]
    return hashlib.sha256(_encode_kind(values)).digest()[:_KIND_BYTES]


def request_key(request_id: str) -> bytes:
    """What stands for a request id: 12 bytes, however long it is."""
    return hashlib.sha256(request_id.encode()).digest()[:_REQUEST_BYTES]


def capture_values(
    capture_id: str, create_time: int, sighting: Sighting, *, of_diff: bool
) -> dict[str, Any]:
    """A row of `captures`, but its position and kind."""
    return {
        "capture_id": capture_id,
        "create_time": create_time,
        "session_id": sighting.session_id or None,
        "capture_time": sighting.capture_time,
        "of_diff": of_diff or None,
    }


def known_of_tree(row: Row[Any]) -> ContentFacts:
    """What a row of `trees` says: no format, and no gaps if it is complete."""
    return ContentFacts(_signatures(row), row.node_count, None)


def capture_of_row(
    connection: TenantConnection, row: Row[Any], verdicts: Mapping[bytes, bytes]
) -> StoredCapture:
    """A joined row of `captures`, `kinds` and `trees`; without the request that made it.

    What was erased with its tenant is absent: the verdict, and the words of an incompleteness.
    """
    try:
        reasons = opened_kind(connection, row)["incompleteness"]
    except BodyErased:
        reasons = row.incompleteness and _ERASED_REASONS
    incompleteness = _decode_reasons(reasons) if reasons else ()
    return StoredCapture(
        capture_id=row.capture_id,
        position=row.position,
        create_time=row.create_time,
        known=ContentFacts(_signatures(row), row.node_count, row.format or None, incompleteness),
        sighting=Sighting(
            capture_time=row.capture_time,
            app=row.app,
            screen_hint=row.screen_hint,
            session_id=row.session_id or "",
            claimed_by_digest=row.claimed_by_digest,
        ),
        erase_time=row.erase_time,
        verdict=verdicts.get(row.verdict, b""),
        of_diff=bool(row.of_diff),
    )


def _signatures(row: Row[Any]) -> Signatures:
    return Signatures(row.full_digest, row.structure_digest, row.content_digest)
