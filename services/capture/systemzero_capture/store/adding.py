"""Adding a capture: its rows within a transaction."""

from __future__ import annotations

import msgspec
from sqlalchemy import insert, select

from systemzero_capture.model import Known, Sighting, StoredCapture
from systemzero_capture.store import captures, kinds, originals, requests, rows, trees
from systemzero_capture.store.tables import CAPTURES
from systemzero_chassis.database import TenantConnection

# all that has to be known, in one trip; null where there is no row
_STATE = select(
    requests.IS_THERE.scalar_subquery().label("request"),
    trees.HAS_BODY.scalar_subquery().label("has_body"),
    trees.IS_COMPLETE.scalar_subquery().label("complete"),
    kinds.OF_DIGEST.scalar_subquery().label("kind"),
    captures.LAST.scalar_subquery().label("last"),
)
_INSERT = insert(CAPTURES)


def add(
    connection: TenantConnection,
    capture_id: str,
    create_time: int,
    known: Known,
    sighting: Sighting,
    body: bytes | None,
    verdict: bytes,
) -> StoredCapture | None:
    """See `CaptureStore.add`."""
    of_kind = rows.kind_values(known, sighting, verdict)
    keys = {"full": known.signatures.full, "of_kind": of_kind["digest"]}
    state = connection.execute(_STATE, {**keys, **requests.asked(sighting)}).one()
    if state.request is not None:
        return requests.first(connection, sighting)
    if not trees.ensure(connection, state.has_body, state.complete, known, body):
        return None
    kind = state.kind or kinds.number_of(connection, of_kind)
    position = (state.last or 0) + 1
    row = rows.capture_values(capture_id, position, create_time, kind, sighting)
    connection.execute(_INSERT, row)
    originals.put(connection, position, create_time, sighting.originals)
    requests.keep(connection, sighting, position, create_time)
    return StoredCapture(
        capture_id=capture_id,
        position=position,
        create_time=create_time,
        known=known,
        sighting=msgspec.structs.replace(sighting, request_id="", request_digest=b""),
        verdict=verdict,
    )
