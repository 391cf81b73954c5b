"""Tenants: creating, suspending and bounding them, from the platform's own tenant.

Invariants:
1. Whoever is not of the platform's own tenant sees their own alone; another's id is missed by the
   same query and with the same error as one that does not exist.
2. The platform's own tenant can't be suspended: nobody would be left to resume it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Final

from systemzero_base.ids import PageTokens
from systemzero_base.secrets import Secret
from systemzero_core.errors import FailedPrecondition, InvalidInput, PermissionDenied
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import PLATFORM_TENANT, Role
from systemzero_gateway.access.quotas import STORAGE, Quotas
from systemzero_gateway.credentials.keys import FIRST_KEY, ApiKeys
from systemzero_gateway.store import KeyRecord, TenantRecord, TenantStore
from systemzero_wire import fields

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,61}[a-z0-9]", re.ASCII)
_MOST_UNITS: Final = 1_000_000_000
_MOST_IN_FLIGHT: Final = 1_000_000
_MOST_STORED: Final = 10**15
_LISTING: Final = "tenants"


class Tenants:
    """The tenants of the platform. Times in microseconds since 1970."""

    def __init__(
        self,
        store: TenantStore,
        keys: ApiKeys,
        pages: PageTokens,
        least_burst: int,
        clock: Callable[[], int],
    ) -> None:
        """`least_burst`: what the most expensive method costs."""
        self._store = store
        self._keys = keys
        self._pages = pages
        self._least_burst = least_burst
        self._clock = clock

    async def create(
        self, caller: Caller, tenant_id: str, quotas: Quotas
    ) -> tuple[TenantRecord, KeyRecord, Secret]:
        """A new tenant, its first admin key and that key's secret.

        Raises:
            PermissionDenied: that key never ends, and the caller's credential does.
            InvalidInput: the id or a quota is out of bounds.
            AlreadyExists: there is such a tenant.
        """
        if not caller.outlasts(None):
            raise PermissionDenied(
                "a tenant's first key never ends; make the tenant with a key that never ends either"
            )
        if _ID.fullmatch(tenant_id) is None:
            raise InvalidInput.at(
                "tenant_id",
                "must be 2 to 63 of a-z, 0-9 and hyphens, "
                "start with a letter and end with no hyphen",
            )
        self._check(quotas)
        tenant = TenantRecord(tenant_id, self._clock(), quotas=quotas)
        key, secret, digest = self._keys.make(tenant_id, FIRST_KEY, Role.ADMIN, (), None)
        await self._store.create(tenant, key, digest)
        return tenant, key, secret

    async def get(self, caller: Caller, tenant_id: str) -> TenantRecord:
        """A tenant; the caller's own where the id is empty.

        Raises:
            NotFound: there is none that the caller may see.
        """
        own = caller.principal.tenant
        return await self._store.get(tenant_id or own, _only(own))

    async def page(
        self, caller: Caller, page_size: int, page_token: str
    ) -> tuple[Sequence[TenantRecord], str]:
        """One page of the tenants that the caller may see, by id, and the token of the next.

        Raises:
            InvalidInput: the size or the token is wrong.
        """
        size, own = fields.page_size(page_size), caller.principal.tenant
        scope = f"{_LISTING} for {own}"
        after = "".join(str(part) for part in self._pages.open(scope, page_token))
        found = await self._store.page(after, size + 1, _only(own))
        more = len(found) > size
        return found[:size], self._pages.seal(scope, found[size - 1].tenant) if more else ""

    async def set_quotas(self, tenant_id: str, quotas: Quotas) -> TenantRecord:
        """Replace a tenant's quotas.

        Raises:
            InvalidInput: a quota is out of bounds.
            NotFound: there is no such tenant.
        """
        self._check(quotas)
        return await self._store.set_quotas(tenant_id, quotas)

    async def suspend(self, tenant_id: str) -> TenantRecord:
        """Suspend a tenant.

        Raises:
            NotFound: there is no such tenant.
            FailedPrecondition: it is the platform's own.
        """
        if tenant_id == PLATFORM_TENANT:
            raise FailedPrecondition("the platform's own tenant can't be suspended")
        return await self._store.suspend(tenant_id, self._clock())

    async def resume(self, tenant_id: str) -> TenantRecord:
        """Resume a tenant.

        Raises:
            NotFound: there is no such tenant.
        """
        return await self._store.resume(tenant_id)

    def _check(self, quotas: Quotas) -> None:
        _bounded("quotas.burst", quotas.burst, self._least_burst, _MOST_UNITS)
        _bounded("quotas.in_flight", quotas.in_flight, 1, _MOST_IN_FLIGHT)
        for name in STORAGE:
            _bounded(f"quotas.{name}", getattr(quotas, name), 1, _MOST_STORED)
        rate = quotas.per_minute
        if rate is not None and not (math.isfinite(rate) and 0 < rate <= _MOST_UNITS):
            raise InvalidInput.at("quotas.per_minute", f"must be above 0, at most {_MOST_UNITS:,}")


def _only(tenant: str) -> str | None:
    return None if tenant == PLATFORM_TENANT else tenant


def _bounded(field: str, value: int | None, least: int, most: int) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInput.at(field, f"must be between {least:,} and {most:,}")
