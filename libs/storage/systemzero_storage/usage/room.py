"""Whether a tenant has room for what it writes.

Invariants:
1. A write that would take a tenant past a limit MUST NOT take effect in any part: the counters are
   read in its own transaction, behind all that it wrote, and the error rolls it back.
2. What adds nothing to a counter is not refused for its sake: a tenant that is past a limit, since
   it was lowered, may delete, repeat its requests, and use what is left of other quotas.
3. Whose limits hold is what the caller's identity says, which the gateway signed; without one, the
   service's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple, TypeVar

from prometheus_client import Counter
from sqlalchemy import MetaData, select

from systemzero_base.internal.identity import known_principal
from systemzero_base.internal.quotas import NO_STORAGE_QUOTAS, StorageQuotas
from systemzero_base.lru import Lru
from systemzero_core.errors import QuotaExceeded
from systemzero_storage.database import TENANT, TenantConnection, TenantDatabase
from systemzero_storage.tenancy.counters import BYTES, counters_of

T = TypeVar("T")

Limits = Mapping[str, int]
"""By the names of counters; what has no bound is not in it."""

REFUSED: Final = Counter(
    "systemzero_storage_refused",
    "Writes that were refused since the tenant's storage quota is used up, by quota.",
    ["quota"],
)
_KNOWN_TENANTS: Final = 1_000


class StorageQuota:
    """The counters of a service's schema, and their limits."""

    def __init__(self, metadata: MetaData, limits: Limits) -> None:
        """`limits` are the service's own: of tenants that have none of theirs; 0 for no bound."""
        counters = counters_of(metadata)
        assert counters is not None  # noqa: S101 - a schema with quotas declares its counters
        self.names = (BYTES, *counters.counts)
        self.table = counters.table
        columns = [self.table.c[name] for name in self.names]
        self._used = select(*columns).where(self.table.c.tenant == TENANT)
        self._limits = _bounded(limits)
        self._own: Lru[str, StorageQuotas] = Lru(_KNOWN_TENANTS)

    def limits(self, tenant: str) -> Limits:
        """What holds for `tenant` in the call that is being handled."""
        principal = known_principal()
        quotas = NO_STORAGE_QUOTAS
        if principal is not None and principal.tenant == tenant:
            quotas = principal.quotas
            self._remember(tenant, quotas)
        return self._with(quotas)

    def last_limits(self, tenant: str) -> Limits:
        """What held for `tenant` in its last call that this process remembers."""
        return self._with(self._own.get(tenant) or NO_STORAGE_QUOTAS)

    def remembered(self) -> list[str]:
        """The tenants with limits of their own that this process remembers."""
        return self._own.keys()

    def used(self, connection: TenantConnection) -> dict[str, int]:
        """What the tenant of the transaction stores, by counter."""
        row = connection.execute(self._used).one_or_none()
        return dict(zip(self.names, row or (0,) * len(self.names), strict=True))

    async def write(
        self,
        own: TenantDatabase,
        tenant: str,
        job: Callable[[TenantConnection, Allowance], T],
    ) -> T:
        """The result of a write job of `tenant`, which calls `Allowance.check` as its last.

        Raises:
            QuotaExceeded: it would take the tenant past a limit; nothing was written.
        """
        limits = self.limits(tenant)
        try:
            return await own.write(lambda c: job(c, Allowance(self, limits, {})))
        except QuotaExceeded:
            pass  # by this job, or was it past the limit before? That is asked only now.
        try:
            return await own.write(lambda c: job(c, Allowance(self, limits, self.used(c))))
        except QuotaExceeded as error:
            REFUSED.labels(error.metadata["quota"]).inc()
            raise

    def _remember(self, tenant: str, quotas: StorageQuotas) -> None:
        if quotas != NO_STORAGE_QUOTAS or self._own.get(tenant) is not None:
            self._own.put(tenant, quotas)

    def _with(self, quotas: StorageQuotas) -> Limits:
        if quotas == NO_STORAGE_QUOTAS:
            return self._limits
        own = {name: getattr(quotas, name) for name in self.names}
        return self._limits | {name: limit for name, limit in own.items() if limit is not None}


class Allowance(NamedTuple):
    """What a write job may store: `limits` hold for counters that are above what was `before`."""

    room: StorageQuota
    limits: Limits
    before: Mapping[str, int]

    def check(self, connection: TenantConnection) -> None:
        """Have the tenant within the limits, with all that the job wrote up to here.

        Raises:
            QuotaExceeded: it is not; names the quota.
        """
        if not self.limits:
            return
        for name, used in self.room.used(connection).items():
            limit, before = self.limits.get(name), self.before.get(name, 0)
            if limit is not None and used > max(limit, before):
                raise exceeded(name, before, used, limit)


def _bounded(limits: Limits) -> dict[str, int]:
    return {name: limit for name, limit in limits.items() if limit}


def exceeded(name: str, used: int, needed: int, limit: int) -> QuotaExceeded:
    """The refusal of a write with which `needed`, and no longer `used`, would be there."""
    return QuotaExceeded(
        f"the tenant's storage quota {name} is used up: {used:,} of {limit:,}, and this needs "
        f"{needed - used:,} more; delete what is not needed, or have the platform raise the quota",
        metadata={"quota": name, "used": str(used), "limit": str(limit), "needed": str(needed)},
    )
