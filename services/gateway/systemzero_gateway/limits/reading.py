"""Messages of calls: how many are being read at a time, and what they hold until they are answered.

How large a message is, nobody knows before it is there: to read one is to take as many bytes as any
message may have. Streams of requests are read one message at a time, and have bounds of their own.

Invariants:
1. There are never more than `PLACES` messages being read, and of one tenant no more than
   `OF_TENANT`; once half of the places are taken, a tenant gets its first alone.
2. Who waits does so behind its own tenant; tenants take turns.
3. A place is held `SECONDS` at most, so that who sends slowly is in nobody's way for longer.
4. A tenant of whom nothing is read and nobody waits is not remembered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Final

from systemzero_core.errors import DeadlineExceeded, InvalidInput, TooManyInFlight

PLACES: Final = 32
OF_TENANT: Final = 4
SECONDS: Final = 20.0
"""For one message to come, and before that for a place."""


class Reading:
    """The places of messages that are being read."""

    def __init__(self) -> None:
        self._tenants: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many messages are being read."""
        return self._count

    def of(self, tenant: str) -> Place:
        """A place of `tenant`; use it as a context."""
        return Place(self, tenant)

    def has_room(self, tenant: str) -> bool:
        """Whether a message of `tenant` may be read now."""
        own = self._tenants.get(tenant, 0)
        most = OF_TENANT if self._count < PLACES // 2 else 1
        return self._count < PLACES and own < most

    def take(self, tenant: str) -> None:
        """Take a place that there is."""
        self._count += 1
        self._tenants[tenant] = self._tenants.get(tenant, 0) + 1

    def give(self, tenant: str) -> None:
        """Give a place back, to those who wait."""
        self._count -= 1
        left = self._tenants.pop(tenant) - 1
        if left:
            self._tenants[tenant] = left
        if self._waiting:
            self._hand_on()

    async def wait(self, tenant: str) -> None:
        """Wait for a place, and take it.

        Raises:
            TooManyInFlight: none is free in time.
        """
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(mine)
        try:
            async with asyncio.timeout(SECONDS):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                self.give(tenant)
            else:
                self._forget(tenant, mine)
            if isinstance(error, TimeoutError):
                raise _no_place() from None
            raise

    def _hand_on(self) -> None:
        """Give places to those who wait, one of each tenant in turn."""
        for tenant in list(self._waiting):
            if not self.has_room(tenant):
                continue
            queue = self._waiting.pop(tenant)
            mine = queue.popleft()
            if queue:
                self._waiting[tenant] = queue  # behind the others
            if not mine.done():  # else it was given up in this moment
                self.take(tenant)
                mine.set_result(None)

    def _forget(self, tenant: str, mine: asyncio.Future[None]) -> None:
        queue = self._waiting.get(tenant)
        if queue is None:
            return
        with suppress(ValueError):
            queue.remove(mine)
        if not queue:
            del self._waiting[tenant]


class Place:
    """A place among those of one tenant, as a context."""

    __slots__ = ("_reading", "_tenant")

    def __init__(self, reading: Reading, tenant: str) -> None:
        self._reading = reading
        self._tenant = tenant

    async def __aenter__(self) -> None:
        if self._reading.has_room(self._tenant):
            self._reading.take(self._tenant)
        else:
            await self._reading.wait(self._tenant)

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._reading.give(self._tenant)


async def only_message(messages: AsyncIterator[bytes]) -> bytes:
    """The one message of `messages`.

    Raises:
        InvalidInput: there is none, or a second one.
        DeadlineExceeded: it did not come in time.
    """
    try:
        async with asyncio.timeout(SECONDS):
            first = await anext(messages, None)
            second = None if first is None else await anext(messages, None)
    except TimeoutError:
        raise DeadlineExceeded(
            f"the request was not there within {SECONDS:.0f} seconds; send it faster, or less"
        ) from None
    if first is None:
        raise InvalidInput("the call has no message, and its method takes one")
    if second is not None:
        raise InvalidInput("the call has more than one message, and its method takes one")
    return first


def _no_place() -> TooManyInFlight:
    return TooManyInFlight(
        f"{OF_TENANT} requests of the tenant are still being read, which is all it may have",
        retry_after=1.0,
        metadata={"subject": "tenant", "limit": str(OF_TENANT)},
    )
