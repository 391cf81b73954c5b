"""How many bytes messages may have together that are held: of all tenants, and of each.

One account for all: messages of calls under way, and those of streams from the moment at which they
are there until they are handed on.

Invariants:
1. There are never more of them than `total`, and of one tenant no more than a quarter of that; but
   a tenant's only message is always within the tenant's part. Once half of it is held, a tenant has
   one message alone.
2. Whose message has to wait is passed over by none of its own tenant, and holds up no other.
3. A tenant of whom nothing is held is not remembered.
"""

from __future__ import annotations

import asyncio
from typing import Final, NamedTuple

SMALL: Final = 65_536
"""Messages up to here are not counted: they are bounded by the number of calls and of streams."""
SECONDS: Final = 20.0
"""For which a message of a stream waits for room."""
_PARTS: Final = 4


class _Waiting(NamedTuple):
    tenant: str
    size: int
    room: asyncio.Future[None]


class HeldBytes:
    """Counts what is held.

    Attributes:
        total: how many bytes there may be.
    """

    def __init__(self, total: int, seconds: float = SECONDS) -> None:
        self.total = total
        self._seconds = seconds
        self._tenants: dict[str, int] = {}
        self._bytes = 0
        self._waiting: dict[_Waiting, None] = {}

    def __len__(self) -> int:
        """The bytes that are held."""
        return self._bytes

    @property
    def waiting(self) -> int:
        """How many messages wait for room."""
        return len(self._waiting)

    def has_room(self, tenant: str, size: int) -> bool:
        """Whether a message of `size` bytes of `tenant` may be held."""
        own = self._tenants.get(tenant, 0)
        most = self.total // _PARTS if self._bytes <= self.total // 2 else 0
        return self._bytes + size <= self.total and (not own or own + size <= most)

    def hold(self, tenant: str, size: int) -> None:
        """Hold a message of `size` bytes until it is let go."""
        self._bytes += size
        self._tenants[tenant] = self._tenants.get(tenant, 0) + size

    async def hold_when_there_is_room(self, tenant: str, size: int) -> bool:
        """The same once there is room; whether there was, in time."""
        if self.has_room(tenant, size) and all(each.tenant != tenant for each in self._waiting):
            self.hold(tenant, size)
            return True
        waiting = _Waiting(tenant, size, asyncio.get_running_loop().create_future())
        self._waiting[waiting] = None
        try:
            async with asyncio.timeout(self._seconds):
                await waiting.room
        except BaseException as error:
            self._give_up(waiting)
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def let_go(self, tenant: str, size: int) -> None:
        """A message of `size` bytes is held no more."""
        self._bytes -= size
        left = self._tenants.pop(tenant, 0) - size
        if left:
            self._tenants[tenant] = left
        if self._waiting:
            self._hand_on()

    def _give_up(self, waiting: _Waiting) -> None:
        if waiting.room.done() and not waiting.room.cancelled():
            self.let_go(waiting.tenant, waiting.size)
        elif self._waiting.pop(waiting, waiting) is None:
            self._hand_on()  # those behind may be smaller

    def _hand_on(self) -> None:
        """Have those go on who find room now, of each tenant in their order."""
        passed_over: set[str] = set()
        for waiting in list(self._waiting):
            tenant, size, room = waiting
            if tenant in passed_over or room.done():
                continue
            if not self.has_room(tenant, size):
                passed_over.add(tenant)
                continue
            del self._waiting[waiting]
            self.hold(tenant, size)
            room.set_result(None)
