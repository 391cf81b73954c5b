"""Captures as they are read, by id and by position; rows within a transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, select, update

from systemzero_capture.model import StoredCapture
from systemzero_capture.store import rows
from systemzero_capture.store.tables import CAPTURES, KINDS, TREES, VERDICT_BODIES
from systemzero_core.errors import NotFound
from systemzero_storage.database import TENANT, TenantConnection

_C, _K, _T = CAPTURES.c, KINDS.c, TREES.c
_ROWS: Select[Any] = (
    select(
        _C.position,
        _C.capture_id,
        _C.create_time,
        _C.session_id,
        _C.capture_time,
        _C.erase_time,
        _C.of_diff,
        KINDS,
        _T.structure_digest,
        _T.content_digest,
        _T.node_count,
    )
    .join(KINDS, (_K.tenant == _C.tenant) & (_K.kind == _C.kind))
    .join(TREES, (_T.tenant == _K.tenant) & (_T.full_digest == _K.full_digest))
    .where(_C.tenant == TENANT)
)
_OF_ID = _C.capture_id == bindparam("capture_id")
_BY_ID = _ROWS.where(_OF_ID)
_BY_POSITION = _ROWS.where(_C.position == bindparam("at"))
_AFTER = (
    _ROWS.where(_C.position > bindparam("after")).order_by(_C.position).limit(bindparam("count"))
)
_CONDITIONS: Mapping[str, ColumnElement[bool]] = {
    "before": _C.position < bindparam("before"),
    "app": _K.app == bindparam("app"),
    "session": _C.session_id == bindparam("session"),
}
_HELD = select(_C.position, _C.held).where(_C.tenant == TENANT, _OF_ID)
_HOLD = (
    update(CAPTURES).where(_C.tenant == TENANT, _C.position == bindparam("at")).values(held=True)
)
_LAST = select(func.coalesce(func.max(_C.position), 0)).where(_C.tenant == TENANT)


@lru_cache  # a statement that is made anew is checked and compiled anew
def _listing(conditions: frozenset[str]) -> Select[Any]:
    """Captures that meet all of these `_CONDITIONS`, the newest first."""
    chosen = (_CONDITIONS[name] for name in sorted(conditions))
    return _ROWS.where(*chosen).order_by(_C.position.desc()).limit(bindparam("count"))


def get(connection: TenantConnection, capture_id: str) -> StoredCapture:
    """One capture.

    Raises:
        NotFound: the tenant has none of this id.
    """
    row = connection.execute(_BY_ID, {"capture_id": capture_id}).one_or_none()
    if row is None:
        raise _not_found(capture_id)
    return _one(connection, row)


def at(connection: TenantConnection, position: int) -> StoredCapture:
    """The capture at a position, which there is."""
    row = connection.execute(_BY_POSITION, {"at": position}).one()
    return _one(connection, row)


def after(connection: TenantConnection, position: int, count: int) -> Sequence[StoredCapture]:
    """See `CaptureStore.after`."""
    return _all(connection, _AFTER, after=position, count=count)


def newest(
    connection: TenantConnection, count: int, before: int | None, app: str, session_id: str
) -> Sequence[StoredCapture]:
    """See `CaptureStore.newest`."""
    given: dict[str, Any] = {"before": before, "app": app or None, "session": session_id or None}
    given = {name: value for name, value in given.items() if value is not None}
    return _all(connection, _listing(frozenset(given)), count=count, **given)


def last_position(connection: TenantConnection) -> int:
    """See `CaptureStore.last_position`."""
    return int(connection.execute(_LAST).scalar_one())


def not_held(connection: TenantConnection, capture_ids: Sequence[str]) -> Mapping[int, str]:
    """Those captures that are not held yet: their ids by position.

    Raises:
        NotFound: the tenant has none of an id.
    """
    found = {}
    for capture_id in dict.fromkeys(capture_ids):
        row = connection.execute(_HELD, {"capture_id": capture_id}).one_or_none()
        if row is None:
            raise _not_found(capture_id)
        if not row.held:
            found[int(row.position)] = capture_id
    return found


def hold(connection: TenantConnection, positions: Mapping[int, str]) -> None:
    """Keep captures from being collected.

    Raises:
        NotFound: one was collected meanwhile.
    """
    for position, capture_id in positions.items():
        if connection.execute(_HOLD, {"at": position}).rowcount == 0:
            raise _not_found(capture_id)


def _all(
    connection: TenantConnection, statement: Select[Any], **values: Any
) -> Sequence[StoredCapture]:
    found = connection.execute(statement, values).all()
    verdicts = VERDICT_BODIES.read(connection, (row.verdict for row in found))
    return [rows.capture_of_row(connection, row, verdicts) for row in found]


def _one(connection: TenantConnection, row: Row[Any]) -> StoredCapture:
    return rows.capture_of_row(connection, row, VERDICT_BODIES.read(connection, [row.verdict]))


def _not_found(capture_id: str) -> NotFound:
    return NotFound(f"no capture {capture_id!r:.120}")
