"""The mark by which the diff service knows the capture service's database again.

It is of no tenant. It stands in the same database as the events that name captures, so that both
are put back together.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from systemzero_diff.model import Mark
from systemzero_diff.store.tables import PAIRING
from systemzero_storage.database import Database


class PairingStore:
    """Keeps the newest mark."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mark(self) -> Mark:
        """The newest mark; raises `Unavailable` where the database does not answer."""
        query = select(PAIRING).order_by(PAIRING.c.number.desc()).limit(1)
        found = await self._database.read(lambda connection: connection.execute(query).first())
        return Mark() if found is None else Mark(*found)

    async def keep(self, mark: Mark) -> None:
        """Have `mark` from now on; raises as `mark`."""
        await self._database.write(lambda connection: _put(connection, mark))


def forget(connection: Connection) -> bool:
    """Have no mark: whichever capture database comes next is taken; whether there was one."""
    return bool(connection.execute(delete(PAIRING)).rowcount)


def _put(connection: Connection, mark: Mark) -> None:
    forget(connection)
    connection.execute(insert(PAIRING).values(mark._asdict()))
