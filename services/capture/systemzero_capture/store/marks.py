"""Marks that the diff service leaves here, to know this database again; see `PairingService`.

Marks are of no tenant. They are numbered in the order in which they came. The newest are kept: one
with a lower number than all of them was here, for all that is known.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, delete, func, insert, select

from systemzero_capture.store.tables import MARKS
from systemzero_storage.database import Database

KEPT: Final = 10_000
"""Marks that are kept: a week's, of one diff service."""


class Marks:
    """The marks in the capture service's database."""

    def __init__(self, database: Database, kept: int = KEPT) -> None:
        self._database = database
        self._kept = kept

    async def meet(self, number: int, mark: bytes, following: bytes) -> int:
        """The number that the `following` mark has here now; 0 where this database lacks `mark`.

        Number 0 stands for no mark, which every database has.

        Raises:
            Unavailable: the database does not answer.
        """

        def job(connection: Connection) -> int:
            if not _has(connection, number, mark):
                return 0
            newest = connection.execute(select(func.max(MARKS.c.number))).scalar() or 0
            made = max(newest, number) + 1
            connection.execute(insert(MARKS).values(number=made, mark=following))
            connection.execute(delete(MARKS).where(MARKS.c.number <= made - self._kept))
            return made

        return await self._database.write(job)


def _has(connection: Connection, number: int, mark: bytes) -> bool:
    if number == 0:
        return True
    oldest = connection.execute(select(func.min(MARKS.c.number))).scalar()
    if oldest is not None and number < oldest:
        return True
    found = connection.execute(select(MARKS.c.mark).where(MARKS.c.number == number)).scalar()
    return found == mark
