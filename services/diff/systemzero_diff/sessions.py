"""The paths of sessions: which screens one client's consecutive captures were. In memory, bounded.

A path that is forgotten (a restart, or too many sessions at once) starts again: the sequence
detector then has less to say, never something wrong.

A session costs at most `MAX_VISITS` visits, whose screens' names all sessions share: some 4 kB.
"""

from __future__ import annotations

import sys
from collections import deque

from systemzero_chassis.lru import Lru
from systemzero_core.drift import Visit
from systemzero_core.drift.detectors.sequence import MAX_VISITS


class Sessions:
    """The sessions that were active last."""

    def __init__(self, capacity: int) -> None:
        self._paths: Lru[tuple[str, str], deque[Visit]] = Lru(capacity)

    def visit(self, tenant: str, session_id: str, screen_id: str, time: int) -> tuple[Visit, ...]:
        """Add a visit; the path up to and with it.

        Empty for no session, and for the screen that the session is on already: a screen that is
        captured every second is still one visit, and pushes nothing out of what is remembered.
        """
        if not session_id:
            return ()
        key = (tenant, session_id)
        path = self._paths.get(key)
        if path is None:
            path = deque(maxlen=MAX_VISITS)
        self._paths.put(key, path)
        if path and path[-1].screen_id == screen_id:
            return ()
        path.append(Visit(sys.intern(screen_id), time))
        return tuple(path)
