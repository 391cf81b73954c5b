"""Ending watches at shutdown: they never end by themselves, and would use up every grace period.

A watch's client goes on elsewhere, from its cursor; a call that will end gets its time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from systemzero_chassis.guards import Call
from systemzero_core.errors import Unavailable

END_SECONDS = 1.0


class Drain:
    """The watches that are on, by a guard around every call."""

    def __init__(self) -> None:
        self._watches: set[asyncio.Task[None]] = set()
        self._draining = False

    async def end(self) -> None:
        """End all watches with UNAVAILABLE, and each that comes after.

        Returns when their statuses are sent: a server that stops before would send its own. A peer
        that takes no more bytes is waited for `END_SECONDS` at most; a watch that is just sending
        ends as cancelled, without the reason.
        """
        self._draining = True
        watches = set(self._watches)
        for task in watches:
            task.cancel()
        if watches:
            await asyncio.wait(watches, timeout=END_SECONDS)

    @asynccontextmanager
    async def guard(self, call: Call) -> AsyncIterator[None]:
        """Stands around a call, inside of what turns errors into statuses."""
        task = asyncio.current_task()
        if task is None or not _is_watch(call.method):
            yield
            return
        if self._draining:
            raise _stopping()
        self._watches.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self._draining:
                raise
            task.uncancel()
            raise _stopping() from None
        finally:
            self._watches.discard(task)


def _is_watch(method: str) -> bool:
    """By the contract's own naming: a watch is a `Watch…` method."""
    return method.rpartition("/")[2].startswith("Watch")


def _stopping() -> Unavailable:
    return Unavailable("the service is stopping; watch on from the last cursor")
