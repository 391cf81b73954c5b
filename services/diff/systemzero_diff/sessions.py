"""The paths of sessions: which screens one client's consecutive captures were. In memory, bounded.

A path that is forgotten (a restart, or too many sessions at once) starts again: the sequence
detector then has less to say, never something wrong.
"""

from __future__ import annotations

from collections import deque

from systemzero_chassis.lru import Lru
from systemzero_core.drift import Visit
from systemzero_core.drift.detectors.sequence import MAX_VISITS


class Sessions:
    """The sessions that were active last."""

    def __init__(self, capacity: int) -> None:
        self._paths: Lru[tuple[str, str], deque[Visit]] = Lru(capacity)

    def visit(self, tenant: str, session_id: str, screen_id: str, time: int) -> tuple[Visit, ...]:
        """Add a visit; the path up to and with it. Empty for no session."""
        if not session_id:
            return ()
        key = (tenant, session_id)
        path = self._paths.get(key)
        if path is None:
            path = deque(maxlen=MAX_VISITS)
        path.append(Visit(screen_id, time))
        self._paths.put(key, path)
        return tuple(path)
