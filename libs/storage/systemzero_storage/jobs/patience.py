"""How long a write waits for others: once for all that it waits for, from when it was asked for."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

from systemzero_core.errors import Unavailable

_PAUSE_SECONDS: Final = 0.01  # between looks whether somebody else still writes


class Waits:
    """A clock, in seconds, and the waiting by it."""

    def now(self) -> float:
        """What time it is."""
        return time.monotonic()

    async def pause(self, seconds: float) -> None:
        """Let so much time go by."""
        await asyncio.sleep(seconds)

    async def until(self, future: asyncio.Future[Any], seconds: float) -> None:
        """Return when `future` is done, but after `seconds` at the latest."""
        await asyncio.wait({future}, timeout=seconds)


class Deadline:
    """What is left until a moment; whatever is waited for takes from it."""

    def __init__(self, until: float, waits: Waits) -> None:
        """`until` is by the clock of `waits`."""
        self._until = until
        self._waits = waits

    def is_over(self) -> bool:
        """Whether nothing is left."""
        return self._waits.now() >= self._until

    async def pause(self) -> None:
        """Wait a moment before looking again."""
        await self._waits.pause(_PAUSE_SECONDS)

    async def wait(self, future: asyncio.Future[Any]) -> None:
        """Wait until `future` is done, if there is time; it goes on meanwhile."""
        await self._waits.until(future, max(0.0, self._until - self._waits.now()))


LOCKED: Final = "the database is locked by another process"


def locked() -> Unavailable:
    """Another process has what is waited for, and there was no more patience."""
    return Unavailable(LOCKED)
