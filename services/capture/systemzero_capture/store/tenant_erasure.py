"""Erasing what the store holds of a tenant's screens, a bounded batch at a time.

Rows stay, with the digests that the log's entries rest on.
"""

from __future__ import annotations

import secrets

from sqlalchemy import bindparam, or_, select, update

from systemzero_capture.store import originals
from systemzero_capture.store.tables import CAPTURES, KINDS, ORIGINALS, TREES, VERDICT_BODIES
from systemzero_storage.database import ERASED, TENANT, TenantConnection
from systemzero_storage.sealing.tenant_erasure import BATCH

_C, _K, _O, _T = CAPTURES.c, KINDS.c, ORIGINALS.c, TREES.c
_WITH_BODY = select(_T.full_digest).where(_T.tenant == TENANT, _T.body.is_not(None)).limit(BATCH)
_ERASE_TREES = (
    update(TREES).where(_T.tenant == TENANT, _T.full_digest.in_(_WITH_BODY)).values(body=None)
)
_NOT_ERASED = select(_C.position).where(_C.tenant == TENANT, _C.erase_time.is_(None)).limit(BATCH)
_ERASE_CAPTURES = (
    update(CAPTURES)
    .where(_C.tenant == TENANT, _C.position.in_(_NOT_ERASED))
    .values(erase_time=bindparam("time"))
)
_WITH_ORIGINALS = select(_O.position).where(_O.tenant == TENANT).distinct().limit(originals.BATCH)
_SPEAKING = (
    select(_K.kind, _K.verdict, _K.incompleteness)
    .where(_K.tenant == TENANT, or_(_K.verdict != ERASED, _K.incompleteness != ERASED))
    .limit(BATCH)
)
_ERASE_KIND = (
    update(KINDS)
    .where(_K.tenant == TENANT, _K.kind == bindparam("of_kind"))
    .values(
        verdict=bindparam("left_verdict"),
        incompleteness=bindparam("left_incompleteness"),
        digest=bindparam("new_digest"),
    )
)


def erase_trees(connection: TenantConnection) -> int:
    """Erase the bodies of some trees; of how many."""
    return connection.execute(_ERASE_TREES).rowcount


def erase_originals(connection: TenantConnection) -> int:
    """Drop what was kept of some captures as it was sent; of how many."""
    positions = list(connection.execute(_WITH_ORIGINALS).scalars())
    originals.drop(connection, positions)
    return len(positions)


def erase_captures(connection: TenantConnection, time: int) -> int:
    """Say of some captures that they were erased at `time`; of how many."""
    return connection.execute(_ERASE_CAPTURES, {"time": time}).rowcount


def erase_kinds(connection: TenantConnection) -> int:
    """Erase the verdicts and gaps of some kinds; of how many.

    Their digests are of what was erased: random ones take their place, so that no capture to come
    is taken for one of these kinds.
    """
    found = connection.execute(_SPEAKING).all()
    for row in found:
        values = {
            "of_kind": row.kind,
            "left_verdict": row.verdict and ERASED,  # in the digest's place
            "left_incompleteness": row.incompleteness and ERASED,
            "new_digest": secrets.token_bytes(16),
        }
        connection.execute(_ERASE_KIND, values)
    return len(found)


def forget_verdicts(connection: TenantConnection) -> int:
    """Drop some verdicts, once no kind has them any more; how many."""
    return VERDICT_BODIES.forget(connection)
