"""Erasing what the events of a capture say of its screen: rows within a transaction.

Invariants:
1. An event's row and the body of its log entry lose their texts together.
2. Of a capture that was erased no event is recorded: the erasure and a judgement under way come one
   after the other, and whichever is later knows of the other.
3. An answer that was kept for repeats of a request is no second place for those texts.
4. A verdict that an event of another capture tells as well stays for that one.
5. Which capture an event is of is known from its log entry: the row alone may have been altered.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import bindparam, insert, select, update

from systemzero_core.tlog import Entry
from systemzero_diff.digests import EVENT_KIND
from systemzero_diff.store.tables import ANSWERS, ERASED_CAPTURES, EVENTS, VERDICT_BODIES
from systemzero_storage.database import TENANT, TenantConnection

_A, _E, _X = ANSWERS.c, EVENTS.c, ERASED_CAPTURES.c
_ERASED = select(_X.create_time).where(
    _X.tenant == TENANT, _X.capture_id == bindparam("of_capture")
)
_NOTE = insert(ERASED_CAPTURES)
_EVENTS = select(_E.position, _E.event_id, _E.verdict, _E.log_index).where(
    _E.tenant == TENANT, _E.capture_id == bindparam("of_capture"), _E.erase_time.is_(None)
)
_ERASE_EVENT = (
    update(EVENTS)
    .where(_E.tenant == TENANT, _E.position == bindparam("at"))
    .values(verdict=bindparam("left"), erase_time=bindparam("time"))
)
_ERASE_ANSWERS = (
    update(ANSWERS)
    .where(_A.tenant == TENANT, _A.capture_id == bindparam("of_capture"))
    .values(answer=None, verdict=None)
)


def erase_events(
    connection: TenantConnection,
    capture_id: str,
    time: int,
    without_texts: Callable[[bytes], bytes],
) -> list[int]:
    """Erase the texts of a capture's events and answers; the indexes of their log entries."""
    key = {"of_capture": capture_id}
    if connection.execute(_ERASED, key).first() is None:
        connection.execute(_NOTE, {"capture_id": capture_id, "create_time": time})
    connection.execute(_ERASE_ANSWERS, key)
    found = connection.execute(_EVENTS, key).all()
    for row in found:
        verdict = VERDICT_BODIES.read(connection, [row.verdict]).get(row.verdict)
        left = None if verdict is None else VERDICT_BODIES.put(connection, without_texts(verdict))
        connection.execute(_ERASE_EVENT, {"at": row.position, "left": left, "time": time})
    VERDICT_BODIES.drop_unused(connection, (row.verdict for row in found))
    return [row.log_index for row in found]


def is_of_capture(capture_id: str, entry: Entry) -> bool:
    """Whether a log entry records an event of the capture; what is erased already, may be."""
    if entry.kind != EVENT_KIND:
        return False
    return entry.body is None or msgspec.json.decode(entry.body).get("capture_id") == capture_id
