"""What a store may ask of a database, whichever it is.

A *job* is a synchronous function of a SQLAlchemy Core `Connection` with an open transaction. It

1. MUST NOT commit, roll back or keep the connection: the database does the first two;
2. MUST return plain values, never a `Result` whose rows are still to be fetched;
3. MUST NOT do anything else that cannot be undone (send, notify): its effects may be rolled back
   after it returned. Do that after `write` returned, which is after the commit.
4. SHOULD be short: writers queue behind each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection

T = TypeVar("T")


class Database(Protocol):
    """Runs jobs in transactions of their own."""

    async def read(self, job: Callable[[Connection], T]) -> T:
        """The result of `job` on one consistent snapshot, which holds every `write` that returned.

        Raises:
            Unavailable: the database does not answer, or is closed.
            DataCorrupted: the database's file is damaged.
        """
        ...

    async def write(self, job: Callable[[Connection], T]) -> T:
        """The result of `job`, once what it wrote is durable: it MUST NOT return before.

        A job that raises is rolled back alone, and its exception is raised here. When the caller
        is cancelled, the job may or may not take effect, but never in part.

        Raises:
            Unavailable: it could not be committed (disk full, locked, closed); nothing of it is
                seen by later reads.
            DataCorrupted: the database's file is damaged.
        """
        ...

    async def close(self) -> None:
        """Finish every job accepted so far, then release the database. May be called twice."""
        ...
