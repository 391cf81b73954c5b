"""Streams of requests: of how many the next message is being read.

As long as a message is awaited, nobody knows whether a part of it is there, which may be as large
as any message: it can't be asked for, nor can the waiting be taken back. So there are places for
it, which a stream has from one message to the next, but not while its message is passed on.

Invariants:
1. There are never more than `PLACES` streams that are listened to, and of one tenant no more than
   `OF_TENANT`; see `ReadPermits`, which has the turns.
2. A stream that has said nothing for `SECONDS` ends where another waits for its place, and goes on
   where nobody does. It is one of the waiting tenant's own, if that has any.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from systemzero_core.errors import Unavailable
from systemzero_gateway.limits.reading import ReadPermits

PLACES: Final = 64
OF_TENANT: Final = 16
SCARCE: Final = 48
SECONDS: Final = 20.0


class ListenPermits:
    """The places of streams whose next message is being read."""

    def __init__(
        self,
        places: int = PLACES,
        of_tenant: int = OF_TENANT,
        scarce: int = SCARCE,
        seconds: float = SECONDS,
    ) -> None:
        self._reading = ReadPermits(places, of_tenant, scarce)
        self._seconds = seconds
        self._silent: dict[ListenPermit, None] = {}  # in the order in which they began to be

    def __len__(self) -> int:
        """How many streams are listened to."""
        return len(self._reading)

    @asynccontextmanager
    async def of(self, tenant: str) -> AsyncIterator[ListenPermit]:
        """A place of `tenant` meanwhile, for one message; waits for it as long as it takes."""
        if self._reading.has_room(tenant):
            self._reading.take(tenant)
        else:
            self._ask_for_room(tenant)
            await self._reading.wait(tenant, None)
        ear = ListenPermit(self, tenant)
        try:
            yield ear
        finally:
            if ear.was_ended:  # for one that waits: it is to have no less than this one had
                self._reading.pass_on(tenant)
            else:
                self._reading.give(tenant)

    def begins(self, ear: ListenPermit) -> None:
        """Nothing is heard by `ear` yet."""
        self._silent[ear] = None

    def ends(self, ear: ListenPermit) -> None:
        """Something is, or will never be."""
        del self._silent[ear]

    def _ask_for_room(self, tenant: str) -> None:
        """Have the stream that has been silent for longest go, once it has been so for a time."""
        whose = tenant if self._reading.taken(tenant) else self._loudest()
        for ear in self._silent:
            if ear.tenant == whose and not ear.asked:
                ear.asked = True
                loop = asyncio.get_running_loop()
                loop.call_at(ear.since + self._seconds, self._end, ear, tenant)
                return

    def _end(self, ear: ListenPermit, tenant: str) -> None:
        if self._reading.waits(tenant):
            ear.end()
        else:
            ear.asked = False

    def _loudest(self) -> str:
        tenants = {ear.tenant for ear in self._silent}
        return max(tenants, key=self._reading.taken, default="")


class ListenPermit:
    """A place for one message of a stream of `tenant`."""

    __slots__ = ("_listening", "_scope", "asked", "since", "tenant", "was_ended")

    def __init__(self, listening: ListenPermits, tenant: str) -> None:
        self._listening = listening
        self._scope: asyncio.Timeout | None = None
        self.since = asyncio.get_running_loop().time()
        self.tenant = tenant
        self.asked = self.was_ended = False

    async def hear(self, context: Any) -> Any:
        """The next message of the stream of `context`, or `reading.END`.

        Raises:
            Unavailable: it did not come, and others wait for the place.
        """
        self._listening.begins(self)
        try:
            async with asyncio.timeout(None) as self._scope:
                return await context.read()
        except TimeoutError:
            self.was_ended = True
            raise Unavailable(
                "the stream sent nothing for a while, and others of its tenant wait to be read; "
                "open a new one when there is something to send"
            ) from None
        finally:
            self._scope = None
            self._listening.ends(self)

    def end(self) -> None:
        """Hear no longer, if nothing is heard yet."""
        if self._scope is not None:
            self._scope.reschedule(asyncio.get_running_loop().time())
