"""What is kept of captures as they were sent: rows within a transaction.

`originals` says what a capture has, `blobs` holds the bytes, once for equal ones of a tenant. A
blob goes with the last row that names it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import BindParameter, bindparam, delete, exists, insert, select

from systemzero_capture.model import Original, OriginalKind
from systemzero_capture.store.tables import BLOBS, ORIGINALS
from systemzero_storage.database import TENANT, TenantConnection

BATCH: Final = 50
"""Originals that one transaction collects at most: each may have megabytes to overwrite."""

_O, _B = ORIGINALS.c, BLOBS.c
_DESCRIBED = (
    select(_O.kind, _O.sha256, _B.media_type, _B.size)
    .join(BLOBS, (_B.tenant == _O.tenant) & (_B.sha256 == _O.sha256))
    .where(_O.tenant == TENANT, _O.position == bindparam("at"))
    .order_by(_O.kind)
)
_BODY = select(_B.body).where(_B.tenant == TENANT, _B.sha256 == bindparam("of_digest"))
_STORED = select(_B.size).where(_B.tenant == TENANT, _B.sha256 == bindparam("of_digest"))
_OLD = (
    select(_O.position, _O.kind, _O.sha256)
    .where(_O.tenant == TENANT, _O.create_time < bindparam("before"))
    .order_by(_O.create_time)
    .limit(BATCH)
)
_DROP_ONE = delete(ORIGINALS).where(
    _O.tenant == TENANT, _O.position == bindparam("at"), _O.kind == bindparam("of_kind")
)
_POSITIONS: BindParameter[int] = bindparam("positions", expanding=True)
_OF_CAPTURES = select(_O.sha256).where(_O.tenant == TENANT, _O.position.in_(_POSITIONS))
_DROP = delete(ORIGINALS).where(_O.tenant == TENANT, _O.position.in_(_POSITIONS))
_DROP_BLOBS = delete(BLOBS).where(
    _B.tenant == TENANT,
    _B.sha256.in_(bindparam("digests", expanding=True)),
    ~exists(select(_O.kind).where(_O.tenant == _B.tenant, _O.sha256 == _B.sha256)),
)
_INSERT, _INSERT_BLOB = insert(ORIGINALS), insert(BLOBS)


def put(
    connection: TenantConnection, position: int, time: int, originals: Sequence[Original]
) -> None:
    """Keep the originals of the capture at `position`."""
    for original in originals:
        if connection.execute(_STORED, {"of_digest": original.sha256}).first() is None:
            blob = {
                "sha256": original.sha256,
                "media_type": original.media_type,
                "size": original.size,
                "body": connection.seal(_B.body, original.body, original.sha256),
            }
            connection.execute(_INSERT_BLOB, blob)
        row = {
            "position": position,
            "kind": original.kind.value,
            "sha256": original.sha256,
            "create_time": time,
        }
        connection.execute(_INSERT, row)


def read(
    connection: TenantConnection, position: int, whole: Collection[OriginalKind]
) -> tuple[Original, ...]:
    """The originals of the capture at `position`, with bodies those of the kinds in `whole`."""
    found = connection.execute(_DESCRIBED, {"at": position}).all()
    return tuple(_original(connection, row, whole) for row in found)


def drop(connection: TenantConnection, positions: Sequence[int]) -> None:
    """Erase the originals of captures, and the blobs that only they had."""
    key = {"positions": list(positions)}
    digests = list(connection.execute(_OF_CAPTURES, key).scalars())
    if digests:
        connection.execute(_DROP, key)
        connection.execute(_DROP_BLOBS, {"digests": digests})


def collect(connection: TenantConnection, before: int) -> int:
    """Erase up to `BATCH` originals from before a time; how many."""
    old = connection.execute(_OLD, {"before": before}).all()
    for row in old:
        connection.execute(_DROP_ONE, {"at": row.position, "of_kind": row.kind})
    if old:
        connection.execute(_DROP_BLOBS, {"digests": [row.sha256 for row in old]})
    return len(old)


def _original(connection: TenantConnection, row: Any, whole: Collection[OriginalKind]) -> Original:
    kind = OriginalKind(row.kind)
    body = b""
    if kind in whole:
        stored = connection.execute(_BODY, {"of_digest": row.sha256}).scalar_one()
        body = connection.open(_B.body, stored, row.sha256)
    return Original(
        kind=kind, media_type=row.media_type, size=row.size, sha256=row.sha256, body=body
    )
