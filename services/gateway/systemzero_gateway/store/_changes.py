"""The revision: how replicas see that something they remember may be stale."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update

from systemzero_chassis.database import Database
from systemzero_gateway.store.tables import REVISION

T = TypeVar("T")


def revision(connection: Connection) -> int:
    """The number of changes so far."""
    return connection.execute(select(REVISION.c.number)).scalar() or 0


async def change(database: Database, job: Callable[[Connection], T]) -> T:
    """The result of `job`, run in a transaction that raises the revision."""

    def run(connection: Connection) -> T:
        result = job(connection)
        raise_revision(connection)
        return result

    return await database.write(run)


def raise_revision(connection: Connection) -> None:
    """Raise the revision in the transaction at hand."""
    raised = connection.execute(update(REVISION).values(number=REVISION.c.number + 1))
    if raised.rowcount == 0:
        connection.execute(insert(REVISION).values(number=1))
