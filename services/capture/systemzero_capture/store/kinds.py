"""Kinds: what captures have in common, stored once; rows within a transaction.

The tenant's writers take turns, so the number that a new kind gets is the same in every statement
of a transaction until it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import bindparam, exists, func, insert, select, update

from systemzero_capture.model import StoredCapture
from systemzero_capture.store import rows
from systemzero_capture.store.tables import CAPTURES, KINDS, VERDICT_BODIES
from systemzero_storage.database import TENANT, TenantConnection

_C, _K = CAPTURES.c, KINDS.c
OF_DIGEST: Final = select(_K.kind).where(_K.tenant == TENANT, _K.digest == bindparam("of_kind"))
"""The number of the kind with the digest `of_kind`."""
_NEXT = select(func.coalesce(func.max(_K.kind), 0) + 1).where(_K.tenant == TENANT).scalar_subquery()
_GIVEN = [c for c in KINDS.columns if c is not _K.tenant and c is not _K.kind]
_PUT = (
    insert(KINDS)
    .from_select(
        ["tenant", "kind", *(c.name for c in _GIVEN)],
        select(TENANT, _NEXT, *(bindparam(f"new_{c.name}", type_=c.type) for c in _GIVEN)).where(
            ~exists(OF_DIGEST)
        ),
    )
    .returning(_K.kind)
)
_HAS_NO_VERDICT = exists(
    select(_K.kind).where(_K.tenant == _C.tenant, _K.kind == _C.kind, _K.verdict.is_(None))
)
_JUDGE = (
    update(CAPTURES)
    .where(
        _C.tenant == TENANT,
        _C.capture_id == bindparam("judged"),
        _C.erase_time.is_(None),  # the texts of what was erased meanwhile must not come back
        _HAS_NO_VERDICT,
    )
    .values(
        kind=func.coalesce(OF_DIGEST.scalar_subquery(), _NEXT),
        of_diff=None,
    )
)


def put(connection: TenantConnection, values: Mapping[str, Any], verdict: bytes) -> int | None:
    """Store the kind with these values and its verdict; its number, None if it is stored."""
    if verdict:
        VERDICT_BODIES.put(connection, verdict)
    row = rows.sealed_kind(connection, values)
    given = {f"new_{column.name}": row[column.name] for column in _GIVEN}
    number = connection.execute(_PUT, {**given, "of_kind": values["digest"]}).scalar()
    return None if number is None else int(number)


def number_of(connection: TenantConnection, values: Mapping[str, Any], verdict: bytes) -> int:
    """The number of the kind with these values, stored now if it is new."""
    key = {"of_kind": values["digest"]}
    return put(connection, values, verdict) or int(connection.execute(OF_DIGEST, key).scalar_one())


def judge(connection: TenantConnection, capture: StoredCapture, verdict: bytes) -> bool:
    """Let the capture be of the kind with this verdict, unless it has one or was erased."""
    values = rows.kind_values(capture.known, capture.sighting, verdict)
    changes = {
        "judged": capture.capture_id,
        "of_kind": values["digest"],
    }
    if not connection.execute(_JUDGE, changes).rowcount:
        return False
    put(connection, values, verdict)
    return True
