"""A task of a service's own, apart from any call."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress


class Background:
    """Runs one coroutine from `start` to `stop`."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None

    @property
    def started(self) -> bool:
        """Whether it was started, and not stopped since."""
        return self._task is not None

    def start(self, work: Coroutine[None, None, None]) -> None:
        """Begin."""
        self._task = asyncio.create_task(work)

    async def stop(self) -> None:
        """Cancel the work and wait for its end; what it raised before is raised here."""
        if self._task is None:
            return
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._task = None
