"""Erasing what the store holds of a tenant's screens and decisions, a bounded batch at a time.

Rows stay, with what ties them to the log; templates are taken out with it. Sessions are forgotten.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import (
    Column,
    Table,
    Update,
    and_,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)

from systemzero_diff.store.tables import (
    ANSWERS,
    DECISIONS,
    EVENTS,
    SESSIONS,
    TEMPLATES,
    VERDICT_BODIES,
)
from systemzero_storage.database import ERASED, TENANT, TenantConnection
from systemzero_storage.sealing.tenant_erasure import BATCH


def _erasing(table: Table, *bodies: Column[Any], **more: Any) -> Update:
    """Erases the bodies of some rows; one that is null stays so."""
    columns = table.c
    speaking = or_(*(and_(body.is_not(None), body != ERASED) for body in bodies))
    some = select(columns.position).where(columns.tenant == TENANT, speaking).limit(BATCH)
    erased = {body.name: case((body.is_not(None), ERASED), else_=None) for body in bodies}
    return (
        update(table)
        .where(columns.tenant == TENANT, columns.position.in_(some))
        .values(**erased, **more)
    )


_ERASE: Final = {
    "templates": _erasing(TEMPLATES, TEMPLATES.c.body, TEMPLATES.c.tree, deleted=True),
    "decisions": _erasing(DECISIONS, DECISIONS.c.body),
}
WORDS: Final = tuple(_ERASE)
"""What is erased row by row."""
_A, _E = ANSWERS.c, EVENTS.c
_SOME_EVENTS = (
    select(_E.position, _E.log_index)
    .where(_E.tenant == TENANT, _E.verdict.is_not(None))
    .order_by(_E.position)
    .limit(BATCH)
)
_ERASE_EVENTS = (
    update(EVENTS)
    .where(_E.tenant == TENANT, _E.position.in_(bindparam("positions", expanding=True)))
    .values(verdict=None, erase_time=func.coalesce(_E.erase_time, bindparam("time")))
)
_SOME_ANSWERS = (
    select(_A.request_id).where(_A.tenant == TENANT, _A.answer.is_not(None)).limit(BATCH)
)
_ERASE_ANSWERS = (
    update(ANSWERS)
    .where(_A.tenant == TENANT, _A.request_id.in_(_SOME_ANSWERS))
    .values(answer=None, verdict=None)
)
_S = SESSIONS.c
_SOME_SESSIONS = select(_S.session).where(_S.tenant == TENANT).limit(BATCH)
_FORGET_SESSIONS = delete(SESSIONS).where(_S.tenant == TENANT, _S.session.in_(_SOME_SESSIONS))


def erase(connection: TenantConnection, word: str) -> int:
    """Erase the bodies of some rows of one of `WORDS`; of how many."""
    return connection.execute(_ERASE[word]).rowcount


def erase_events(connection: TenantConnection, time: int) -> list[int]:
    """Erase the verdicts of some events at `time`; the indexes of their log entries."""
    found = connection.execute(_SOME_EVENTS).all()
    values = {"positions": [row.position for row in found], "time": time}
    connection.execute(_ERASE_EVENTS, values)
    return [row.log_index for row in found]


def erase_answers(connection: TenantConnection) -> int:
    """Erase some answers that are kept for repeats of a request; how many."""
    return connection.execute(_ERASE_ANSWERS).rowcount


def forget_verdicts(connection: TenantConnection) -> int:
    """Drop some verdicts, once no event tells them any more; how many."""
    return VERDICT_BODIES.forget(connection)


def forget_sessions(connection: TenantConnection) -> int:
    """Forget the paths of some sessions; of how many."""
    return connection.execute(_FORGET_SESSIONS).rowcount
