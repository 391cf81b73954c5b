"""Wakes those who watch a table when this process wrote to it.

A bell is a hint, not a message: watchers read the store after each ring, and also after
`POLL_SECONDS` without one, since another process may have written.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress

POLL_SECONDS = 0.25


class Bell:
    """One bell per watched table; tenants share nothing but it."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Event] = {}

    def ring(self, tenant: str) -> None:
        """Wake everybody who waits for `tenant`."""
        event = self._waiting.pop(tenant, None)
        if event is not None:
            event.set()

    async def wait(self, tenant: str) -> None:
        """Wait for a ring, at most `POLL_SECONDS`."""
        event = self._waiting.setdefault(tenant, asyncio.Event())
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), POLL_SECONDS)
