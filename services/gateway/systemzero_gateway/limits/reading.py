"""Messages of calls: how many are being read at a time.

How large a message is, nobody knows before it is there: to read one is to take as many bytes as any
message may have. Streams of requests have places of their own: see `listening`.

Invariants:
1. There are never more than `places` messages being read, and of one tenant no more than
   `of_tenant`; once `scarce` places are taken, half of them, a tenant gets its first alone.
2. Who waits does so behind its own tenant; tenants take turns.
3. A place is held `SECONDS` at most, so that who sends slowly is in nobody's way for longer.
4. A tenant of whom nothing is read and nobody waits is not remembered.
"""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import grpc

from systemzero_core.errors import DeadlineExceeded, InvalidInput, TooManyInFlight

PLACES: Final = 32
OF_TENANT: Final = 4
SECONDS: Final = 20.0
"""For one message to come, and before that for a place."""
END: Final[Any] = grpc.aio.EOF  # type: ignore[attr-defined]
"""What is read after the last message."""


class ReadPermits:
    """The places of messages that are being read."""

    def __init__(
        self, places: int = PLACES, of_tenant: int = OF_TENANT, scarce: int = PLACES // 2
    ) -> None:
        self._places = places
        self._scarce = scarce
        self._of_tenant = of_tenant
        self._tenants: dict[str, int] = {}
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        self._count = 0

    def __len__(self) -> int:
        """How many messages are being read."""
        return self._count

    def of(self, tenant: str, seconds: float = SECONDS) -> Permit:
        """A place of `tenant`, who waits `seconds` for it at most; use it as a context."""
        return Permit(self, tenant, seconds)

    def taken(self, tenant: str) -> int:
        """How many messages of `tenant` are being read."""
        return self._tenants.get(tenant, 0)

    def waits(self, tenant: str) -> bool:
        """Whether a message of `tenant` waits to be read."""
        return tenant in self._waiting

    def has_room(self, tenant: str) -> bool:
        """Whether a message of `tenant` may be read now."""
        own = self._tenants.get(tenant, 0)
        most = self._of_tenant if self._count < self._scarce else 1
        return self._count < self._places and own < most

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

    def pass_on(self, tenant: str) -> None:
        """Give a place back, to the next of the same tenant if one waits."""
        queue = self._waiting.get(tenant, ())
        mine = next((each for each in queue if not each.done()), None)
        if mine is None:
            self.give(tenant)
            return
        self._forget(tenant, mine)
        mine.set_result(None)

    async def wait(self, tenant: str, seconds: float | None) -> None:
        """Wait for a place, and take it; None is for as long as it takes.

        Raises:
            TooManyInFlight: none is free in time.
        """
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(mine)
        try:
            async with asyncio.timeout(seconds):
                await mine
        except BaseException as error:
            if mine.done() and not mine.cancelled():
                self.give(tenant)
            else:
                self._forget(tenant, mine)
            if isinstance(error, TimeoutError):
                raise _no_place(self._of_tenant) from None
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


class Permit:
    """A place among those of one tenant, as a context."""

    __slots__ = ("_reading", "_seconds", "_tenant")

    def __init__(self, reading: ReadPermits, tenant: str, seconds: float) -> None:
        self._reading = reading
        self._tenant = tenant
        self._seconds = seconds

    async def __aenter__(self) -> None:
        if self._reading.has_room(self._tenant):
            self._reading.take(self._tenant)
        else:
            await self._reading.wait(self._tenant, self._seconds)

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self._reading.give(self._tenant)


async def only_message(context: Any, left: float) -> bytes:
    """The one message of the call of `context`, which has `left` seconds to its deadline.

    What follows it is not read: to ask whether there is a second one costs as much as to read it.

    Raises:
        InvalidInput: there is none.
        DeadlineExceeded: it did not come in time.
    """
    try:
        async with asyncio.timeout(min(SECONDS, left)):
            message = await context.read()
    except TimeoutError:
        raise _late(left) from None
    if message is END:
        raise InvalidInput("the call has no message, and its method takes one")
    return message  # type: ignore[no-any-return]


def _late(left: float) -> DeadlineExceeded:
    if left < SECONDS:
        return DeadlineExceeded("the deadline passed")
    return DeadlineExceeded(
        f"the request was not there within {SECONDS:.0f} seconds; send it faster, or less"
    )


def _no_place(most: int) -> TooManyInFlight:
    return TooManyInFlight(
        f"{most} requests of the tenant are still being read, which is all it may have",
        retry_after=1.0,
        metadata={"subject": "tenant", "limit": str(most)},
    )
