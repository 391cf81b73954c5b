"""The store of tenants: who they are, whether they are suspended, what they may use up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

import msgspec
from sqlalchemy import Connection, RowMapping, Select, insert, select, update

from systemzero_core.errors import AlreadyExists, NotFound
from systemzero_gateway.access.quotas import NO_QUOTAS, Quotas
from systemzero_gateway.store._changes import change
from systemzero_gateway.store._keys import add_key
from systemzero_gateway.store.macs import RowMacs
from systemzero_gateway.store.protocol import KeyRecord
from systemzero_gateway.store.tables import TENANTS
from systemzero_storage.database import Database


class TenantRecord(msgspec.Struct, frozen=True):
    """A tenant; times in microseconds since 1970."""

    tenant: str
    create_time: int
    suspend_time: int | None = None
    quotas: Quotas = NO_QUOTAS


class TenantStore(Protocol):
    """Keeps tenants. Every change raises the revision; `Unavailable` where nobody answers.

    `only` restricts what is seen to one tenant; None sees all. What is hidden by it and what does
    not exist is looked for by the same query, and missed with the same error.
    """

    async def create(self, tenant: TenantRecord, key: KeyRecord, digest: bytes) -> None:
        """Add a tenant with its first key.

        Raises:
            AlreadyExists: there is such a tenant.
        """
        ...

    async def get(self, tenant: str, only: str | None) -> TenantRecord:
        """A tenant.

        Raises:
            NotFound: there is none that is seen.
        """
        ...

    async def vouched(self, tenant: str) -> TenantRecord | None:
        """A tenant, for who lets callers in; None where there is none, or its row was altered."""
        ...

    async def page(self, after: str, count: int, only: str | None) -> Sequence[TenantRecord]:
        """At most `count` tenants by id, from the first id greater than `after`."""
        ...

    async def set_quotas(self, tenant: str, quotas: Quotas) -> TenantRecord:
        """Replace a tenant's quotas.

        Raises:
            NotFound: there is no such tenant.
            DataCorrupted: its row was altered in the database.
        """
        ...

    async def suspend(self, tenant: str, now: int) -> TenantRecord:
        """Suspend a tenant; one that is suspended stays as it is.

        Raises:
            NotFound: there is no such tenant.
            DataCorrupted: its row was altered in the database.
        """
        ...

    async def resume(self, tenant: str) -> TenantRecord:
        """Resume a tenant.

        Raises:
            NotFound: there is no such tenant.
            DataCorrupted: its row was altered in the database.
        """
        ...


class SqlTenantStore:
    """See `TenantStore`."""

    def __init__(self, database: Database, macs: RowMacs) -> None:
        self._database = database
        self._macs = macs

    async def create(self, tenant: TenantRecord, key: KeyRecord, digest: bytes) -> None:
        """See `TenantStore.create`."""

        def create(connection: Connection) -> None:
            if connection.execute(_seen(tenant.tenant)).first() is not None:
                raise AlreadyExists("there is such a tenant already")
            row = {"tenant": tenant.tenant, "create_time": tenant.create_time}
            row |= _columns(tenant.quotas)
            connection.execute(insert(TENANTS).values(self._macs.added(TENANTS, row)))
            add_key(connection, self._macs, key, digest)

        await change(self._database, tenant.tenant, create)

    async def get(self, tenant: str, only: str | None) -> TenantRecord:
        """See `TenantStore.get`."""
        row = await self._database.read(lambda connection: _get(connection, tenant, only))
        return _record(row)

    async def vouched(self, tenant: str) -> TenantRecord | None:
        """See `TenantStore.vouched`."""
        query = _seen(tenant)
        row = await self._database.read(lambda c: c.execute(query).mappings().first())
        return None if row is None or not self._macs.vouch(TENANTS, row) else _record(row)

    async def page(self, after: str, count: int, only: str | None) -> Sequence[TenantRecord]:
        """See `TenantStore.page`."""
        query = _restricted(select(TENANTS).where(TENANTS.c.tenant > after), only)
        query = query.order_by(TENANTS.c.tenant).limit(count)
        return await self._database.read(
            lambda connection: [_record(row) for row in connection.execute(query).mappings()]
        )

    async def set_quotas(self, tenant: str, quotas: Quotas) -> TenantRecord:
        """See `TenantStore.set_quotas`."""
        return await self._update(tenant, lambda _: _columns(quotas))

    async def suspend(self, tenant: str, now: int) -> TenantRecord:
        """See `TenantStore.suspend`."""

        def suspended(row: RowMapping) -> dict[str, Any]:
            first = row[TENANTS.c.suspend_time]
            return {"suspend_time": now if first is None else first}

        return await self._update(tenant, suspended)

    async def resume(self, tenant: str) -> TenantRecord:
        """See `TenantStore.resume`."""
        return await self._update(tenant, lambda _: {"suspend_time": None})

    async def _update(
        self, tenant: str, values: Callable[[RowMapping], dict[str, Any]]
    ) -> TenantRecord:
        def job(connection: Connection) -> TenantRecord:
            row = _get(connection, tenant, None)
            changed = self._macs.changed(TENANTS, row, values(row))
            connection.execute(update(TENANTS).where(TENANTS.c.tenant == tenant).values(changed))
            return _record(_get(connection, tenant, None))

        return await change(self._database, tenant, job)


_OWN: Final = ("tenant", "create_time", "suspend_time")
_NAMES: Final = Quotas.__struct_fields__


def quotas_of(row: RowMapping) -> Quotas:
    """The quotas in a row that has the columns of `TENANTS`."""
    return Quotas(*(row[TENANTS.c[f"quota_{name}"]] for name in _NAMES))


def _columns(quotas: Quotas) -> dict[str, Any]:
    values = {f"quota_{name}": value for name, value in msgspec.structs.asdict(quotas).items()}
    rate = quotas.per_minute  # as it will be read: the MAC tells 90 from 90.0
    return values if rate is None else {**values, "quota_per_minute": float(rate)}


def _seen(tenant: str, only: str | None = None) -> Select[Any]:
    return _restricted(select(TENANTS).where(TENANTS.c.tenant == tenant), only)


def _restricted(query: Select[Any], only: str | None) -> Select[Any]:
    return query if only is None else query.where(TENANTS.c.tenant == only)


def _get(connection: Connection, tenant: str, only: str | None) -> RowMapping:
    row = connection.execute(_seen(tenant, only)).mappings().first()
    if row is None:
        raise NotFound("there is no such tenant")
    return row


def _record(row: RowMapping) -> TenantRecord:
    tenant, create, suspend = (row[TENANTS.c[name]] for name in _OWN)
    return TenantRecord(tenant, create, suspend, quotas_of(row))
