"""Rows of the capture database to values, and back."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import Row

from systemzero_capture.model import Known, Reason, Sighting, StoredCapture
from systemzero_core.signature import Signatures

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
_REQUEST_BYTES = 12


def tree_values(known: Known, body: bytes) -> dict[str, Any]:
    """A row of `trees`."""
    return {
        "full_digest": known.signatures.full,
        "structure_digest": known.signatures.structure,
        "content_digest": known.signatures.content,
        "node_count": known.node_count,
        "complete": not known.incompleteness,
        "body": body,
    }


def kind_values(known: Known, sighting: Sighting, verdict: bytes) -> dict[str, Any]:
    """A row of `kinds`, but its number."""
    values = {
        "full_digest": known.signatures.full,
        "format": str(known.format) if known.format else None,
        "incompleteness": _encode_reasons(known.incompleteness) if known.incompleteness else None,
        "app": sighting.app,
        "screen_hint": sighting.screen_hint,
        "claimed_by_digest": sighting.claimed_by_digest,
        "verdict": verdict or None,
    }
    return {**values, "digest": kind_digest(values)}


def kind_digest(row: Mapping[str, Any]) -> bytes:
    """The digest of a row of `kinds`, of all that it says."""
    values = [row[name] for name in _KIND_COLUMNS]
    return hashlib.sha256(_encode_kind(values)).digest()[:_KIND_BYTES]


def request_key(request_id: str) -> bytes:
    """What stands for a request id: 12 bytes, however long it is."""
    return hashlib.sha256(request_id.encode()).digest()[:_REQUEST_BYTES]


def capture_values(
    capture_id: str, position: int, create_time: int, kind: int, sighting: Sighting
) -> dict[str, Any]:
    """A row of `captures`."""
    return {
        "position": position,
        "capture_id": capture_id,
        "create_time": create_time,
        "kind": kind,
        "session_id": sighting.session_id or None,
        "capture_time": sighting.capture_time,
    }


def known_of_tree(row: Row[Any]) -> Known:
    """What a row of `trees` says: no format, and no gaps if it is complete."""
    return Known(_signatures(row), row.node_count, None)


def capture_of_row(row: Row[Any]) -> StoredCapture:
    """A joined row of `captures`, `kinds` and `trees`; without the request that made it."""
    incompleteness = _decode_reasons(row.incompleteness) if row.incompleteness else ()
    return StoredCapture(
        capture_id=row.capture_id,
        position=row.position,
        create_time=row.create_time,
        known=Known(_signatures(row), row.node_count, row.format or None, incompleteness),
        sighting=Sighting(
            capture_time=row.capture_time,
            app=row.app,
            screen_hint=row.screen_hint,
            session_id=row.session_id or "",
            claimed_by_digest=row.claimed_by_digest,
        ),
        erase_time=row.erase_time,
        verdict=row.verdict or b"",
    )


def _signatures(row: Row[Any]) -> Signatures:
    return Signatures(row.full_digest, row.structure_digest, row.content_digest)
