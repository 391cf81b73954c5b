"""Adding a capture: its rows within a transaction.

Most captures are of a kind that was seen before: they take one statement, which does nothing where
that is not so or the tenant's storage is nearly full, and one for their request id.
"""

from __future__ import annotations

import msgspec
from sqlalchemy import BigInteger, bindparam, exists, func, insert, or_, select

from systemzero_capture.model import ContentFacts, Sighting, StoredCapture
from systemzero_capture.store import kinds, originals, requests, rows, trees
from systemzero_capture.store.tables import CAPTURES, KINDS, USAGE
from systemzero_storage.database import TENANT, TenantConnection
from systemzero_storage.tenancy.counters import BYTES
from systemzero_storage.usage.room import Allowance

_C, _K, _U = CAPTURES.c, KINDS.c, USAGE.c
_ROWS_BYTES = 4_000
"""More than a capture of a known kind takes, with its request id: its rows hold no bodies."""
_NO_LIMIT = 2**62
_NEARLY_FULL = select(_U.tenant).where(
    _U.tenant == TENANT,
    or_(
        _U.captures >= bindparam("most_captures", type_=BigInteger),
        _U.stored_bytes > bindparam("most_bytes", type_=BigInteger),
    ),
)
_GIVEN = (_C.capture_id, _C.create_time, _C.session_id, _C.capture_time, _C.of_diff)
_NEXT = (
    select(func.coalesce(func.max(_C.position), 0) + 1).where(_C.tenant == TENANT).scalar_subquery()
)
_INSERT_LIKE_OTHERS = (
    insert(CAPTURES)
    .from_select(
        ["tenant", "position", "kind", *(c.name for c in _GIVEN)],
        select(
            TENANT, _NEXT, _K.kind, *(bindparam(f"new_{c.name}", type_=c.type) for c in _GIVEN)
        ).where(
            _K.tenant == TENANT,
            _K.digest == bindparam("of_kind"),
            exists(trees.WHOLE),
            ~exists(requests.IS_THERE),
            ~exists(_NEARLY_FULL),
        ),
    )
    .returning(_C.position)
)
# all that has to be known of another one, in one trip; null where there is no row
_STATE = select(
    requests.IS_THERE.scalar_subquery().label("request"),
    trees.HAS_BODY.scalar_subquery().label("has_body"),
    trees.IS_COMPLETE.scalar_subquery().label("complete"),
    kinds.OF_DIGEST.scalar_subquery().label("kind"),
    _NEXT.label("position"),
)
_INSERT = insert(CAPTURES)


def add(
    connection: TenantConnection,
    capture_id: str,
    create_time: int,
    known: ContentFacts,
    sighting: Sighting,
    body: bytes | None,
    verdict: bytes,
    of_diff: bool,
    allowance: Allowance,
) -> StoredCapture | None:
    """See `CaptureStore.add`."""
    kind = rows.kind_values(known, sighting, verdict)
    keys = {
        "full": known.signatures.full,
        "of_kind": kind["digest"],
        **requests.asked(sighting),
    }
    row = rows.capture_values(capture_id, create_time, sighting, of_diff=of_diff)
    given = {f"new_{column.name}": row[column.name] for column in _GIVEN}
    most = _most(allowance)
    position = connection.execute(_INSERT_LIKE_OTHERS, {**keys, **given, **most}).scalar()
    has_room = position is not None and not sighting.originals
    if position is None:
        state = connection.execute(_STATE, keys).one()
        if state.request is not None:
            return requests.first(connection, sighting)
        if not trees.ensure(connection, state.has_body, state.complete, known, body):
            return None
        number = state.kind or kinds.number_of(connection, kind, verdict)
        position = state.position
        connection.execute(_INSERT, {**row, "position": position, "kind": number})
    originals.put(connection, position, create_time, sighting.originals)
    requests.keep(connection, sighting, position, create_time)
    if not has_room:
        allowance.check(connection)
    return StoredCapture(
        capture_id=capture_id,
        position=position,
        create_time=create_time,
        known=known,
        sighting=msgspec.structs.replace(sighting, request_id="", request_digest=b""),
        verdict=verdict,
        of_diff=of_diff,
    )


def _most(allowance: Allowance) -> dict[str, int]:
    """The values of `_NEARLY_FULL`."""
    limits = allowance.limits
    return {
        "most_captures": limits.get("captures", _NO_LIMIT),
        "most_bytes": limits.get(BYTES, _NO_LIMIT) - _ROWS_BYTES,
    }
