"""When keys were last used: noted in memory on the request path, written in batches off it.

Invariants:
1. A call notes its key in a dict and waits for nothing.
2. What could not be written is kept for the next time; what a killed process had noted is lost.
3. Writing it raises no revision: no cached answer depends on it.
"""

from __future__ import annotations

from collections.abc import Callable

from systemzero_gateway.store import KeyStore


class LastUses:
    """The uses since the last `flush`, by key."""

    def __init__(
        self, store: KeyStore, clock: Callable[[], int], ticks: Callable[[], float]
    ) -> None:
        """`clock` gives microseconds since 1970, `ticks` seconds that never go back."""
        self._store = store
        self._clock = clock
        self._ticks = ticks
        self._noted: dict[str, float] = {}

    def note(self, key_id: str, tick: float) -> None:
        """The key was used at `tick`."""
        self._noted[key_id] = tick

    async def flush(self) -> None:
        """Write what was noted.

        Raises:
            Unavailable: the store does not answer. Whatever is raised, nothing is forgotten.
        """
        noted, self._noted = self._noted, {}
        if not noted:
            return
        now, tick = self._clock(), self._ticks()
        times = {key: now - int((tick - used) * 1e6) for key, used in noted.items()}
        try:
            await self._store.note_uses(times)
        except BaseException:
            self._noted = noted | self._noted
            raise
