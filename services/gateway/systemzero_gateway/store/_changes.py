"""The revision: how replicas see what of that which they remember may be stale.

One number counts all changes; each tenant notes the number of its last one, so that what a tenant
does costs the others nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update

from systemzero_gateway.store.protocol import Changes
from systemzero_gateway.store.tables import REVISION, TENANTS
from systemzero_storage.database import Database

T = TypeVar("T")


def changes(connection: Connection, since: int) -> Changes:
    """What changed after the revision `since`."""
    number = _number(connection)
    if number < since:  # a backup was put back: nothing that was seen counts
        return Changes(number, None)
    if number == since:
        return Changes(number, frozenset())
    query = select(TENANTS.c.tenant).where(TENANTS.c.revision > since)
    return Changes(number, frozenset(connection.execute(query).scalars()))


async def change(database: Database, tenant: str, job: Callable[[Connection], T]) -> T:
    """The result of `job`, run in a transaction that raises the revision for `tenant`."""

    def run(connection: Connection) -> T:
        result = job(connection)
        number = raise_revision(connection)
        noted = update(TENANTS).where(TENANTS.c.tenant == tenant).values(revision=number)
        connection.execute(noted)
        return result

    return await database.write(run)


def raise_revision(connection: Connection) -> int:
    """Raise the revision in the transaction at hand, for what is of no tenant; the new one."""
    raised = connection.execute(update(REVISION).values(number=REVISION.c.number + 1))
    if raised.rowcount == 0:
        connection.execute(insert(REVISION).values(number=1))
    return _number(connection)


def _number(connection: Connection) -> int:
    return connection.execute(select(REVISION.c.number)).scalar() or 0
