"""Crypto-erasure of a tenant: its data keys are destroyed, so that nobody opens what they sealed.

What the database holds still is then overwritten, whether it was sealed or not. A service says how
by an entry point of the group `systemzero.erasures`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

from sqlalchemy import update

from systemzero_storage.database import TENANT, Database, Schema, TenantConnection, TenantDatabase
from systemzero_storage.sealing import tables

GROUP: Final = "systemzero.erasures"
BATCH: Final = 500
"""Rows that one transaction erases at most: writers wait for no more than that."""

Erase = Callable[[Database, Path, str, str, int], AsyncIterator[str]]
"""Erases the bodies of a tenant in a service's database, and yields a line for each kind of them.

It is given the database, the service's data folder with its keys, the log's configured origin (or
nothing), the tenant, and the time in microseconds. Run again, it goes on where it was stopped."""


async def destroy_keys(database: Database, schema: Schema, tenant: str, time: int) -> int:
    """Destroy the tenant's data keys in a service's database, for good; how many there were."""
    table = schema.metadata.tables[tables.NAME]
    standing = (table.c.tenant == TENANT, table.c.wrapped.is_not(None))
    destroy = update(table).where(*standing).values(wrapped=None, destroy_time=time)

    def job(connection: TenantConnection) -> int:
        return connection.execute(destroy).rowcount

    return await database.of(tenant).write(job)


async def in_batches(own: TenantDatabase, job: Callable[[TenantConnection], int]) -> int:
    """Run a write job until it finds nothing more to do; what it did in all."""
    count = 0
    while done := await own.write(job):
        count += done
    return count
