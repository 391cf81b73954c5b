"""Statements on the paths of sessions, for one tenant within a transaction."""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec
from sqlalchemy import bindparam, delete, insert, select, update

from systemzero_core.drift import SessionCapture
from systemzero_diff.model import Session
from systemzero_diff.store.scoped import Scoped
from systemzero_diff.store.tables import SESSIONS
from systemzero_storage.database import TENANT

_KEY_BYTES: Final = 12
_FORGOTTEN: Final = 2
"""So many old sessions go with each new one, so that they never grow many."""
_C = SESSIONS.c
_THIS = (_C.tenant == TENANT, _C.session == bindparam("this"))
_SESSION = select(_C.path, _C.seen_time).where(*_THIS)
_INSERT = insert(SESSIONS)
_UPDATE = (
    update(SESSIONS)
    .where(*_THIS)
    .values(path=bindparam("new_path"), seen_time=bindparam("new_seen_time"))
)
_OLD = (
    select(_C.session)
    .where(_C.tenant == TENANT, _C.seen_time < bindparam("before"))
    .order_by(_C.seen_time)
    .limit(_FORGOTTEN)
)
_FORGET = delete(SESSIONS).where(
    _C.tenant == TENANT, _C.session.in_(bindparam("old", expanding=True))
)
_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder(tuple[tuple[str, int], ...]).decode


class SessionRows(Scoped):
    """See `Transaction`."""

    def session(self, session_id: str) -> Session | None:
        """See `Transaction.session`."""
        if not session_id:
            return None
        row = self._connection.execute(_SESSION, {"this": session_key(session_id)}).one_or_none()
        if row is None:
            return None
        return Session(tuple(SessionCapture(*visit) for visit in _decode(row.path)), row.seen_time)

    def put_session(self, session_id: str, session: Session, forget_before: int) -> None:
        """See `Transaction.put_session`."""
        path = _encode([msgspec.structs.astuple(visit) for visit in session.path])
        key = session_key(session_id)
        values = {"this": key, "new_path": path, "new_seen_time": session.seen_time}
        if self._connection.execute(_UPDATE, values).rowcount:
            return
        if old := self._connection.execute(_OLD, {"before": forget_before}).scalars().all():
            self._connection.execute(_FORGET, {"old": old})
        row = {"session": key, "path": path, "seen_time": session.seen_time}
        self._connection.execute(_INSERT, row)


def session_key(session_id: str) -> bytes:
    """What stands for a session's id: 12 bytes, however long it is."""
    return hashlib.sha256(session_id.encode()).digest()[:_KEY_BYTES]
