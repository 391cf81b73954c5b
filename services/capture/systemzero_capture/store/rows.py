"""Rows of the capture database to values, and back."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Row

from systemzero_capture.model import Known, Reason, Sighting, StoredCapture
from systemzero_core.formats import Format
from systemzero_core.signature import Signatures

_encode_reasons = msgspec.json.Encoder().encode
_decode_reasons = msgspec.json.Decoder(tuple[Reason, ...]).decode


def tree_values(tenant: str, known: Known, body: bytes) -> dict[str, Any]:
    """A row of `trees`."""
    return {
        "tenant": tenant,
        "full_digest": known.signatures.full,
        "structure_digest": known.signatures.structure,
        "content_digest": known.signatures.content,
        "node_count": known.node_count,
        "complete": not known.incompleteness,
        "body": body,
    }


def capture_values(
    tenant: str,
    capture_id: str,
    create_time: int,
    known: Known,
    sighting: Sighting,
    verdict: bytes,
) -> dict[str, Any]:
    """A row of `captures`."""
    return {
        "tenant": tenant,
        "capture_id": capture_id,
        "create_time": create_time,
        "capture_time": sighting.capture_time,
        "full_digest": known.signatures.full,
        "format": known.format.value if known.format else None,
        "incompleteness": _encode_reasons(known.incompleteness) if known.incompleteness else None,
        "app": sighting.app,
        "screen_hint": sighting.screen_hint,
        "session_id": sighting.session_id,
        "claimed_by_digest": sighting.claimed_by_digest,
        "request_id": sighting.request_id or None,
        "request_digest": sighting.request_digest or None,
        "verdict": verdict or None,
    }


def known_of_tree(row: Row[Any]) -> Known:
    """What a row of `trees` says: no format, and no gaps if it is complete."""
    return Known(_signatures(row), row.node_count, None)


def capture_of_row(row: Row[Any]) -> StoredCapture:
    """A joined row of `captures` and `trees`."""
    incompleteness = _decode_reasons(row.incompleteness) if row.incompleteness else ()
    form = Format(row.format) if row.format else None
    return StoredCapture(
        capture_id=row.capture_id,
        position=row.position,
        create_time=row.create_time,
        known=Known(_signatures(row), row.node_count, form, incompleteness),
        sighting=Sighting(
            request_id=row.request_id or "",
            request_digest=row.request_digest or b"",
            capture_time=row.capture_time,
            app=row.app,
            screen_hint=row.screen_hint,
            session_id=row.session_id,
            claimed_by_digest=row.claimed_by_digest,
        ),
        erase_time=row.erase_time,
        verdict=row.verdict or b"",
    )


def _signatures(row: Row[Any]) -> Signatures:
    return Signatures(row.full_digest, row.structure_digest, row.content_digest)
