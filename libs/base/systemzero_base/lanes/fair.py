"""Whose work is next: start-time fair queueing, weighed by the time that work was measured to take.

Invariants:
1. A tenant's own work is done in the order in which it came.
2. Between tenants that always have work waiting, processor time is shared equally, whatever a
   piece of it takes: a tenant is charged what was measured, and an estimate until then.
3. Who has had nothing waiting or under way is not owed the time that it did not use: it begins
   where the tenant stands that was served last. So its first piece is next, however much waits of
   others.

Source: Goyal, Vin, Cheng: Start-time Fair Queueing, SIGCOMM 1996. Deficit round robin (Shreedhar
and Varghese, 1995) shares as equally, but has newcomers wait for a round.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, Generic, TypeVar

T = TypeVar("T")

FIRST_ESTIMATE: Final = 0.1
"""Seconds that the work of a tenant is taken to need before any was measured."""
_WEIGHT: Final = 0.25
"""Of the newest measurement in a tenant's estimate."""


class _Tenant(Generic[T]):
    __slots__ = ("estimate", "running", "start", "waiting")

    def __init__(self, start: float) -> None:
        self.start = start
        self.estimate = FIRST_ESTIMATE
        self.running = 0
        self.waiting: deque[T] = deque()


class FairQueue(Generic[T]):
    """What waits, by tenant, and what each tenant has under way."""

    def __init__(self) -> None:
        self._tenants: dict[str, _Tenant[T]] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return sum(len(tenant.waiting) for tenant in self._tenants.values())

    def __iter__(self) -> Iterator[T]:
        return (item for tenant in self._tenants.values() for item in tenant.waiting)

    def waiting(self, tenant: str) -> int:
        """How much of a tenant waits."""
        found = self._tenants.get(tenant)
        return len(found.waiting) if found else 0

    def running(self, tenant: str) -> int:
        """How much of a tenant is under way."""
        found = self._tenants.get(tenant)
        return found.running if found else 0

    def estimate(self, tenant: str) -> float:
        """Seconds that the tenant's next piece is taken to need."""
        found = self._tenants.get(tenant)
        return found.estimate if found else FIRST_ESTIMATE

    def push(self, tenant: str, item: T) -> None:
        """`item` waits from now on."""
        found = self._tenants.setdefault(tenant, _Tenant(self._now))
        if not found.waiting:
            found.start = max(found.start, self._now)
        found.waiting.append(item)

    def remove(self, tenant: str, item: T) -> bool:
        """Take `item` out, if it waits; whether it did."""
        found = self._tenants.get(tenant)
        if found is None or item not in found.waiting:
            return False
        found.waiting.remove(item)
        self._rest()
        return True

    def pop(self, may_start: Callable[[str, T], bool]) -> tuple[T, float] | None:
        """What is to be done next of what may be, and what its tenant was charged for it."""
        order = sorted((t.start, name) for name, t in self._tenants.items() if t.waiting)
        for _start, name in order:
            tenant = self._tenants[name]
            if may_start(name, tenant.waiting[0]):
                charged = tenant.estimate
                self._now = max(self._now, tenant.start)
                tenant.start += charged
                tenant.running += 1
                return tenant.waiting.popleft(), charged
        return None

    def done(self, tenant: str, charged: float, seconds: float) -> None:
        """A piece is over that took `seconds`, for which `charged` were charged so far."""
        found = self._tenants[tenant]
        found.running -= 1
        found.start = max(found.start + seconds - charged, 0.0)
        found.estimate += _WEIGHT * (seconds - found.estimate)
        self._rest()

    def _rest(self) -> None:
        """Forget all tenants once there is nothing of any."""
        if not any(tenant.waiting or tenant.running for tenant in self._tenants.values()):
            self._tenants.clear()
            self._now = 0.0
