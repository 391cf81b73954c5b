"""The paths of sessions: which screens one client's consecutive captures were.

They are in the store, so that every process of the service sees the same path.

Invariants:
1. A path is read and written in one transaction, and a tenant's writers take turns: no visit is
   lost, and the path that is looked at is the one that is committed.
2. The screen that a session is on already is no visit, and mostly costs no write.
3. A path has `MAX_VISITS` visits at most. It is remembered for so many days as are set after its
   session was seen last, and for twice as many at most.
"""

from __future__ import annotations

from typing import Final

from systemzero_core.drift import SessionCapture
from systemzero_core.drift.detectors.sequence import MAX_VISITS
from systemzero_diff.model import Session
from systemzero_diff.store import Transaction

_DAY: Final = 86_400_000_000


class SessionPaths:
    """The sessions of all tenants."""

    def __init__(self, days: int) -> None:
        """Paths are remembered for `days` at least."""
        self._keep = days * _DAY

    def stays(self, session: Session | None, visit: SessionCapture) -> bool:
        """Whether `visit` changes nothing: on the screen of before, and that is not long ago."""
        return (
            session is not None
            and session.path[-1].screen_id == visit.screen_id
            and not self._is_stale(session.seen_time, visit.time)
        )

    def visit(
        self, transaction: Transaction, session_id: str, visit: SessionCapture
    ) -> tuple[SessionCapture, ...]:
        """Add a visit; the path up to and with it.

        Empty for the screen that the session is on already: a screen that is captured every second
        is still one visit, and pushes nothing out of what is remembered.
        """
        forget_before = visit.time - 2 * self._keep
        path, seen = _remembered(transaction.session(session_id), forget_before, visit.time)
        moved = not path or path[-1].screen_id != visit.screen_id
        stale = self._is_stale(seen, visit.time)
        if moved:
            path = (*path, visit)[-MAX_VISITS:]
        if moved or stale:
            session = Session(path, visit.time if stale else seen)
            transaction.put_session(session_id, session, forget_before)
        return path if moved else ()

    def _is_stale(self, seen_time: int, now: int) -> bool:
        return now - seen_time >= self._keep


def _remembered(
    session: Session | None, forget_before: int, now: int
) -> tuple[tuple[SessionCapture, ...], int]:
    """The path, and when it was seen; an empty one of `now` for what is not remembered."""
    if session is None or session.seen_time < forget_before:
        return (), now
    return session.path, session.seen_time
