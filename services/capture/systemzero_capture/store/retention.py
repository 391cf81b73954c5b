"""Collecting captures that nobody needs any more, a bounded batch at a time."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import BindParameter, bindparam, delete, exists, func, or_, select, update

from systemzero_base.pages import BATCH_ROWS
from systemzero_capture.model import Bounds
from systemzero_capture.store import originals
from systemzero_capture.store.tables import CAPTURES, KINDS, REQUESTS, TREES, VERDICT_BODIES
from systemzero_storage.database import TENANT, TenantConnection

_C, _K, _R, _T = CAPTURES.c, KINDS.c, REQUESTS.c, TREES.c
BATCH: Final = 200
"""Captures that one transaction collects at most: writers wait for no more than that."""

_LAST: Final = select(func.coalesce(func.max(_C.position), 0)).where(_C.tenant == TENANT)
_OUT_OF_BOUNDS: Final = (
    _C.tenant == TENANT,
    _C.held.is_(None),
    _C.position < bindparam("last"),  # the newest stays: positions count up from it
    _C.create_time < bindparam("settled"),
    or_(_C.create_time < bindparam("before"), _C.position <= bindparam("beyond")),
)
_DUE = (
    select(_C.position, _C.kind)
    .where(*_OUT_OF_BOUNDS, _C.of_diff.is_(None))
    .order_by(_C.position)
    .limit(BATCH)
)
_UNSETTLED = (
    select(_C.capture_id)
    .where(*_OUT_OF_BOUNDS, _C.of_diff.is_not(None))
    .order_by(_C.position)
    .limit(BATCH_ROWS)
)
_OF_IDS = (_C.tenant == TENANT, _C.capture_id.in_(bindparam("ids", expanding=True)))
_HOLD = update(CAPTURES).where(*_OF_IDS).values(held=True)
_SETTLE = update(CAPTURES).where(*_OF_IDS).values(of_diff=None)
_POSITIONS: BindParameter[int] = bindparam("positions", expanding=True)
_DROP_CAPTURES = delete(CAPTURES).where(_C.tenant == TENANT, _C.position.in_(_POSITIONS))
_DROP_REQUESTS = delete(REQUESTS).where(_R.tenant == TENANT, _R.position.in_(_POSITIONS))
_UNUSED_KINDS = select(_K.kind, _K.full_digest, _K.verdict).where(
    _K.tenant == TENANT,
    _K.kind.in_(bindparam("kinds", expanding=True)),
    ~exists(select(_C.kind).where(_C.tenant == _K.tenant, _C.kind == _K.kind)),
)
_DROP_KINDS = delete(KINDS).where(
    _K.tenant == TENANT, _K.kind.in_(bindparam("kinds", expanding=True))
)
_DROP_TREES = delete(TREES).where(
    _T.tenant == TENANT,
    _T.full_digest.in_(bindparam("digests", expanding=True)),
    ~exists(select(_K.kind).where(_K.tenant == _T.tenant, _K.full_digest == _T.full_digest)),
)
NEXT_TENANT: Final = select(func.min(_T.tenant)).where(_T.tenant > bindparam("after"))
"""The tenant that follows another, among all: a seek, not a scan."""


def unsettled(connection: TenantConnection, bounds: Bounds) -> Sequence[str]:
    """See `CaptureStore.unsettled`."""
    return connection.execute(_UNSETTLED, _limits(connection, bounds)).scalars().all()


def settle(
    connection: TenantConnection, capture_ids: Collection[str], with_event: Collection[str]
) -> None:
    """See `CaptureStore.settle`."""
    if with_event:
        connection.execute(_HOLD, {"ids": list(with_event)})
    if others := [each for each in capture_ids if each not in with_event]:
        connection.execute(_SETTLE, {"ids": others})


def _limits(connection: TenantConnection, bounds: Bounds) -> dict[str, int]:
    last = int(connection.execute(_LAST).scalar_one())
    return {
        "last": last,
        "before": bounds.before,
        "settled": bounds.settled,
        "beyond": last - bounds.most if bounds.most else -1,
    }


def collect(connection: TenantConnection, bounds: Bounds) -> int:
    """Collect up to `BATCH` captures that are out of bounds, with what only they used; how many."""
    limits = _limits(connection, bounds)
    due = connection.execute(_DUE, limits).all()
    if not due:
        return 0
    positions = {"positions": [row.position for row in due]}
    connection.execute(_DROP_REQUESTS, positions)
    connection.execute(_DROP_CAPTURES, positions)
    originals.drop(connection, positions["positions"])
    kinds = connection.execute(_UNUSED_KINDS, {"kinds": list({row.kind for row in due})}).all()
    if kinds:
        connection.execute(_DROP_KINDS, {"kinds": [row.kind for row in kinds]})
        digests = list({row.full_digest for row in kinds})
        connection.execute(_DROP_TREES, {"digests": digests})
        VERDICT_BODIES.drop_unused(connection, (row.verdict for row in kinds))
    return len(due)
