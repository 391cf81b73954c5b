"""Shares one answer among many askers, for instance whether a service serves.

Invariants:
1. One question is open at a time. All askers wait for its answer.
2. A No counts only for those who asked before the question was put: it may be outdated for the
   others. A Yes counts for every asker who waits.
3. The number of waiting askers is bounded. An asker past the bound gets No at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any


class Fresh:
    """Asks by `ask`, whose answer is True for Yes, False for No, and None for silence."""

    def __init__(self, ask: Callable[[], Coroutine[Any, Any, bool | None]], most: int) -> None:
        """At most `most` wait for a Yes or a No."""
        self._ask = ask
        self._most = most
        self._waiting = 0
        self._asking: asyncio.Task[bool | None] | None = None

    async def answer(self) -> bool | None:
        """Yes, or what a question that is put from now on brings."""
        earlier = self._asking
        if earlier is not None and not earlier.done():
            answer: bool | None = await asyncio.shield(earlier)
            if answer:
                return True
        if self._asking is None or self._asking is earlier:
            # in a context of its own: it is nobody's call, and outlives whoever asked first
            self._asking = asyncio.create_task(self._ask(), context=Context())
        return await asyncio.shield(self._asking)

    async def decided(self, seconds: float) -> bool | None:
        """Yes or No, asking again for as long as there is silence; None after `seconds` of it."""
        if self._waiting >= self._most:
            return False
        self._waiting += 1
        try:
            async with asyncio.timeout(seconds):
                while (answer := await self.answer()) is None:
                    pass
                return answer
        except TimeoutError:
            return None
        finally:
            self._waiting -= 1

    async def stop(self) -> None:
        """Ask no more; whoever waits is cancelled."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
