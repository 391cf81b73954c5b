"""How many calls are under way at a time: load is shed early, never queued.

Invariants:
1. Who was let in leaves once, whatever becomes of the call; nobody is counted who was not let in.
2. A tenant without calls under way is not remembered.
"""

from __future__ import annotations

from typing import Final

from systemzero_core.errors import Overloaded, TooManyInFlight

RETRY_SECONDS: Final = 1.0
"""After which to try again: a guess, since nobody knows when a call ends."""


class InFlight:
    """The calls of one kind that are under way: of all tenants, and of each.

    First a call `enter`s, then it `claim`s a place among its tenant's, as soon as that is known; in
    the end it `leave`s, with its tenant if it had a place there.

    Attributes:
        total: how many there may be.
    """

    def __init__(self, total: int, per_tenant: int) -> None:
        """At most `total` calls, and `per_tenant` of each tenant that has no bound of its own."""
        self.change(total, per_tenant)
        self._tenants: dict[str, int] = {}
        self._count = 0

    def change(self, total: int, per_tenant: int) -> None:
        """Have other bounds from now on; calls under way go on."""
        self.total = total
        self._per_tenant = per_tenant

    def __len__(self) -> int:
        return self._count

    def of(self, tenant: str) -> int:
        """How many of `tenant` are under way."""
        return self._tenants.get(tenant, 0)

    def enter(self) -> None:
        """Count a call in.

        Raises:
            Overloaded: there are as many as there may be.
        """
        if self._count >= self.total:
            raise Overloaded(
                f"{self.total} calls are under way, which is all there may be",
                retry_after=RETRY_SECONDS,
            )
        self._count += 1

    def claim(self, tenant: str, bound: int | None) -> None:
        """Count a call that entered as one of `tenant`, whose own bound is `bound` if it has one.

        Raises:
            TooManyInFlight: the tenant has as many as it may.
        """
        most = self._per_tenant if bound is None else bound
        count = self._tenants.get(tenant, 0)
        if count >= most:
            raise TooManyInFlight(
                f"the tenant has {count} calls under way, which is all it may have",
                retry_after=RETRY_SECONDS,
                metadata={"subject": "tenant", "limit": str(most)},
            )
        self._tenants[tenant] = count + 1

    def leave(self, tenant: str | None) -> None:
        """Count a call out again; with the `tenant` that it had a place of."""
        self._count -= 1
        if tenant is None:
            return
        left = self._tenants[tenant] - 1
        if left:
            self._tenants[tenant] = left
        else:
            del self._tenants[tenant]
