"""How many bytes messages may have together that are held: of all tenants, and of each.

Invariants:
1. There are never more of them than `total`, and of one tenant no more than a quarter of that; but
   a tenant's only message is always within the tenant's part.
2. A tenant of whom nothing is held is not remembered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_PARTS: Final = 4


class HeldBytes:
    """Counts what is held.

    Attributes:
        total: how many bytes there may be.
        messages: how many are held.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.messages = 0
        self._tenants: dict[str, int] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """The bytes that are held."""
        return self._bytes

    def has_room(self, tenant: str, size: int) -> bool:
        """Whether a message of `size` bytes of `tenant` may be held."""
        own = self._tenants.get(tenant, 0)
        return self._bytes + size <= self.total and (not own or own + size <= self.total // _PARTS)

    @contextmanager
    def holding(self, tenant: str, size: int) -> Iterator[None]:
        """Hold a message of `size` bytes meanwhile."""
        self.hold(tenant, size)
        try:
            yield
        finally:
            self.let_go(tenant, size)

    def hold(self, tenant: str, size: int) -> None:
        """Hold a message of `size` bytes until it is let go."""
        self.messages += 1
        self._bytes += size
        self._tenants[tenant] = self._tenants.get(tenant, 0) + size

    def let_go(self, tenant: str, size: int) -> None:
        """A message of `size` bytes is held no more."""
        self.messages -= 1
        self._bytes -= size
        left = self._tenants.pop(tenant, 0) - size
        if left:
            self._tenants[tenant] = left
