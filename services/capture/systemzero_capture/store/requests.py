"""Which capture a request id made, for a week at least; rows within a transaction."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import bindparam, delete, insert, select

from systemzero_capture.model import Sighting, StoredCapture
from systemzero_capture.store import captures, rows
from systemzero_capture.store.tables import CAPTURES, REQUESTS
from systemzero_core.errors import Conflict
from systemzero_storage.database import TENANT, TenantConnection

KEPT_MICROSECONDS: Final = 7 * 86_400_000_000
"""For so long, at least, a request id stands for the capture that it made."""
FORGET_EVERY: Final = 64
"""Every so many captures of a tenant, twice as many old request ids are forgotten at most."""

_C, _R = CAPTURES.c, REQUESTS.c
_OF_ID = select(REQUESTS).where(_R.tenant == TENANT, _R.request_id == bindparam("asked"))
IS_THERE: Final = _OF_ID.with_only_columns(_R.position)
"""A row if the request id of `asked` made a capture."""
_INSERT = insert(REQUESTS)
# The oldest, whatever their age, and then which of these are old: in one statement, each look would
# read on to the newest, or the planner through all captures.
_OLDEST = (
    select(_R.position).where(_R.tenant == TENANT).order_by(_R.position).limit(2 * FORGET_EVERY)
)
_OLD = select(_C.position).where(
    _C.tenant == TENANT,
    _C.position.in_(bindparam("oldest", expanding=True)),
    _C.create_time < bindparam("before"),
)
_FORGET = delete(REQUESTS).where(
    _R.tenant == TENANT, _R.position.in_(bindparam("old", expanding=True))
)


def asked(sighting: Sighting) -> dict[str, Any]:
    """The values of `IS_THERE`; without a request id, no row has them."""
    return {"asked": rows.request_key(sighting.request_id) if sighting.request_id else b""}


def first(connection: TenantConnection, sighting: Sighting) -> StoredCapture | None:
    """The capture that the sighting's request id made, or None.

    Raises:
        Conflict: the request id belongs to another request.
    """
    if not sighting.request_id:
        return None
    found = connection.execute(_OF_ID, asked(sighting)).one_or_none()
    if found is None:
        return None
    if found.digest != sighting.request_digest:
        raise Conflict("request_id: used before, for another request")
    return captures.at(connection, found.position)


def keep(connection: TenantConnection, sighting: Sighting, position: int, create_time: int) -> None:
    """Keep what the request id made; now and then, forget others that are old."""
    if not sighting.request_id:
        return
    row = {
        "position": position,
        "request_id": rows.request_key(sighting.request_id),
        "digest": sighting.request_digest,
    }
    connection.execute(_INSERT, row)
    if position % FORGET_EVERY == 0:
        _forget(connection, create_time - KEPT_MICROSECONDS)


def _forget(connection: TenantConnection, before: int) -> None:
    oldest = connection.execute(_OLDEST).scalars().all()
    key = {"oldest": oldest, "before": before}
    if old := connection.execute(_OLD, key).scalars().all():
        connection.execute(_FORGET, {"old": old})
