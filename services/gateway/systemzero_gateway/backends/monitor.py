"""Periodic health checks of one backend.

The answers are the health that the gateway tells of the backend's services, and the probes of its
breaker. It is asked at once where its channel found it or lost it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from systemzero_gateway import metrics
from systemzero_gateway.backends.backend import Backend

INTERVAL = 1.0
"""Seconds between two questions where the channel has nothing new."""


class Monitor:
    """Keeps `serving` of one backend true to it."""

    def __init__(self, backend: Backend, changed: Callable[[], None]) -> None:
        """`changed` is told whenever `serving` is another."""
        self._backend = backend
        self._changed = changed
        self._news: asyncio.Task[None] | None = None
        self.serving = False
        backend.tell(self._conclude)

    async def round(self) -> None:
        """Ask, and wait until it is time to ask again."""
        news = self._watch()
        await self.look()
        await asyncio.wait((news,), timeout=INTERVAL)

    def stop(self) -> None:
        """Wait for nothing any more; after the last round."""
        if self._news is not None:
            self._news.cancel()

    async def look(self) -> None:
        """Ask once."""
        await self._backend.look()

    def _watch(self) -> asyncio.Task[None]:
        """What is done once the channel's state is another; one at a time, or they add up."""
        if self._news is None or self._news.done():
            channel = self._backend.channel
            change = channel.wait_for_state_change(channel.get_state(try_to_connect=True))
            self._news = asyncio.create_task(change)
        return self._news

    def _conclude(self) -> None:
        serving = self._backend.serving
        metrics.SERVING.labels(self._backend.name).set(serving)
        if serving is not self.serving:
            self.serving = serving
            self._changed()
