"""The data keys of all tenants: read, unwrapped, made, and kept in memory for a while.

Invariants:
1. An unwrapped key is kept for `seconds` at most, and for `tenants` tenants: then it is unwrapped
   anew, so that a key that was destroyed, or a KEK that was withdrawn, is noticed.
2. Uses are counted in the database before they are made, a block at a time, whichever process makes
   them; beyond `most` a key seals nothing more, and the tenant gets the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final
from weakref import WeakValueDictionary

from sqlalchemy import Row, Table, bindparam, func, insert, select, update

from systemzero_base.clock import micros
from systemzero_base.lru import Lru
from systemzero_core.errors import Unavailable
from systemzero_storage.protocol import Database
from systemzero_storage.sealing.cipher import AESGCM, KEY_BYTES, bound
from systemzero_storage.sealing.kek import Keks
from systemzero_storage.sealing.keys import Reserved, SealedBodies, TenantKeys
from systemzero_storage.tenancy.scope import TENANT
from systemzero_storage.tenancy.tenant import TenantConnection

CACHE_SECONDS: Final = 60.0
CACHE_TENANTS: Final = 4096
BLOCK: Final = 1 << 16
MOST_USES: Final = 1 << 32
_TRIES: Final = 8

AnyRow = Row[*tuple[Any, ...]]


class Keyring:
    """Gives a tenant's keys to the transactions of one database. For one event loop."""

    def __init__(
        self,
        database: Database,
        table: Table,
        service: str,
        keks: Keks,
        *,
        seconds: float = CACHE_SECONDS,
        tenants: int = CACHE_TENANTS,
        block: int = BLOCK,
        most: int = MOST_USES,
        monotonic: Callable[[], float] = time.monotonic,
        clock: Callable[[], int] = micros,
    ) -> None:
        """A keyring on the data keys in `table`, of the service named `service`."""
        self._database = database
        self._service = service
        self._keks = keks
        self._seconds = seconds
        self._block = block
        self._monotonic = monotonic
        self._clock = clock
        self._cached: Lru[str, TenantKeys] = Lru(tenants)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        columns = table.c
        of_tenant = columns.tenant == TENANT
        standing = (of_tenant, columns.number == bindparam("of"), columns.wrapped.is_not(None))
        self._all = select(table).where(of_tenant).order_by(columns.number)
        self._last = select(func.coalesce(func.max(columns.number), 0)).where(of_tenant)
        self._insert = insert(table)
        self._reserve = (
            update(table)
            .where(*standing, columns.uses <= most - block)
            .values(uses=columns.uses + block)
        )
        self._stands = select(columns.number).where(
            of_tenant, columns.number == bindparam("number"), columns.wrapped.is_not(None)
        )

    async def of(self, tenant: str) -> TenantKeys:
        """The tenant's keys, read not long ago.

        Raises:
            Unavailable: the database or the key server does not answer.
            FailedPrecondition: a key is wrapped by a KEK that is not configured.
            DataCorrupted: a wrapped key was altered.
        """
        return self._fresh(tenant) or await self.renewed(tenant, None)

    def bodies(self, keys: TenantKeys) -> SealedBodies:
        """What a transaction seals and opens bodies with."""
        return SealedBodies(keys, self._stands)

    async def renewed(
        self, tenant: str, stale: TenantKeys | None, *, to_seal: bool = False
    ) -> TenantKeys:
        """The tenant's keys, read since `stale` were; with uses to seal, if asked.

        Raises:
            Unavailable, FailedPrecondition, DataCorrupted: as `of`.
        """
        lock = self._locks.get(tenant)
        if lock is None:
            lock = self._locks[tenant] = asyncio.Lock()
        async with lock:  # who waited here finds what the one before has fetched
            found = self._fresh(tenant)
            if found is None or found is stale:
                found = await self._read(tenant)
            if to_seal and not (found.reserved and found.reserved.left > 0):
                found = await self._with_uses(tenant, found)
            return found

    def _fresh(self, tenant: str) -> TenantKeys | None:
        found = self._cached.get(tenant)
        if found is None or self._monotonic() - found.read_at >= self._seconds:
            return None
        return found

    async def _read(self, tenant: str) -> TenantKeys:
        started, before = self._monotonic(), self._cached.get(tenant)
        stored = await self._database.of(tenant).read(lambda c: c.execute(self._all).all())
        opened = {row.number: await self._unwrapped(row) for row in stored if row.wrapped}
        destroyed = frozenset(row.number for row in stored if not row.wrapped)
        reserved = before.reserved if before else None
        if reserved is not None and reserved.number not in opened:
            reserved = None
        keys = TenantKeys(opened, destroyed, reserved, started)
        self._cached.put(tenant, keys)
        return keys

    async def _unwrapped(self, row: AnyRow) -> AESGCM:
        associated = belongs(self._service, row.tenant, row.number)
        return AESGCM(await self._keks.unwrap(row.kek, bytes(row.wrapped), associated))

    async def _with_uses(self, tenant: str, keys: TenantKeys) -> TenantKeys:
        """Keys with uses of the newest one reserved, or of one that is made."""
        for _ in range(_TRIES):
            number = keys.newest
            if number and await self._reserved(tenant, number):
                keys.reserved = Reserved(number, self._block)
                return keys
            await self._make(tenant, keys.last + 1)
            keys = await self._read(tenant)  # unwrapped once before anything is sealed with it
        raise Unavailable("no data key could be made: others make and destroy them meanwhile")

    async def _reserved(self, tenant: str, number: int) -> bool:
        def job(connection: TenantConnection) -> bool:
            return connection.execute(self._reserve, {"of": number}).rowcount == 1

        return await self._database.of(tenant).write(job)

    async def _make(self, tenant: str, number: int) -> None:
        """Add a data key of this number, unless somebody else did meanwhile."""
        key = AESGCM.generate_key(8 * KEY_BYTES)
        kek, wrapped = await self._keks.wrap(key, belongs(self._service, tenant, number))
        row = {
            "number": number,
            "kek": kek,
            "wrapped": wrapped,
            "uses": 0,
            "create_time": self._clock(),
        }

        def job(connection: TenantConnection) -> None:
            if connection.execute(self._last).scalar_one() == number - 1:
                connection.execute(self._insert, row)

        await self._database.of(tenant).write(job)


def belongs(service: str, tenant: str, number: int) -> bytes:
    """What a wrapped data key is bound to."""
    return bound("systemzero data key 1", service, tenant, number)
