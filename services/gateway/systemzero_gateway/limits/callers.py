"""The limits on authenticated calls: the tenant's and the principal's, both or neither."""

from __future__ import annotations

from typing import Final

from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.quotas import NO_QUOTAS, Quotas
from systemzero_gateway.limits.gcra import Bucket, Decision, Rate
from systemzero_gateway.limits.protocol import LimitStore

_OWN_RATES: Final = 10_000
_SPARED: Final = 4
"""The share of a burst, as its divisor, that streams leave for calls."""


class CallerLimits:
    """Takes what calls cost from the buckets of whoever makes them."""

    def __init__(self, store: LimitStore, tenant: Rate, principal: Rate) -> None:
        """`tenant` and `principal` are the platform's rates, which a tenant's quotas override."""
        self._store = store
        self.change(tenant, principal)

    def change(self, tenant: Rate, principal: Rate) -> None:
        """Have other rates from now on; what was taken stays taken."""
        self._rates = (tenant, principal)
        self._own: dict[Quotas, tuple[Rate, Rate]] = {}

    async def take(
        self, caller: Caller, cost: int, *, sparing: bool = False
    ) -> tuple[Decision, str]:
        """The decision of whichever limit is tighter, and which it is: `tenant` or `principal`.

        What is `sparing` leaves a share of the burst for what is not.

        Raises:
            Unavailable: the limits can't be checked.
        """
        tenant, principal = self.rates(caller.quotas)
        # in braces what a cluster puts in one place; a script can't reach further
        key = f"{{{caller.principal.tenant}}}"
        name = f"{key}:{caller.principal.principal_id}"
        spare = (_spare(tenant), _spare(principal)) if sparing else (0, 0)
        buckets = Bucket(key, tenant, spare[0]), Bucket(name, principal, spare[1])
        ours, own = await self._store.take(buckets, cost)
        if ours.allowed and own.allowed:
            return (own, "principal") if own.remaining <= ours.remaining else (ours, "tenant")
        return (own, "principal") if own.retry_after >= ours.retry_after else (ours, "tenant")

    def rates(self, quotas: Quotas) -> tuple[Rate, Rate]:
        """The rates of the tenant with `quotas` and of each of its principals."""
        if quotas is NO_QUOTAS:
            return self._rates
        found = self._own.get(quotas)
        if found is None:
            if len(self._own) >= _OWN_RATES:
                self._own.clear()
            tenant, principal = self._rates
            found = self._own[quotas] = (
                _overridden(tenant, quotas),
                _overridden(principal, quotas),
            )
        return found


def _spare(rate: Rate) -> int:
    return rate.burst // _SPARED


def _overridden(rate: Rate, quotas: Quotas) -> Rate:
    return Rate(
        per_minute=rate.per_minute if quotas.per_minute is None else quotas.per_minute,
        burst=rate.burst if quotas.burst is None else quotas.burst,
    )
