"""What a store may ask of a database, whichever it is.

A *job* is a synchronous function of a connection with an open transaction: of a `TenantConnection`
for one tenant's rows, of a SQLAlchemy Core `Connection` for what belongs to no tenant. It

1. MUST NOT commit, roll back or keep the connection: the database does the first two;
2. MUST return plain values, never a `Result` whose rows are still to be fetched;
3. MUST NOT do anything else that cannot be undone (send, notify): its effects may be rolled back
   after it returned, and it may be run again from its start, on another connection. Do that after
   `write` returned, which is after the commit.
4. MUST NOT go on after a statement of it failed, but raise;
5. SHOULD be short: writers of a tenant queue behind each other.

Of one tenant, one write job runs at a time, whichever process it is in. So a number that a job
takes from a sequence or counts up from what it reads becomes visible in the order of the numbers:
who follows a table by its position misses no row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection

from systemzero_storage.following.notifier import Notifier
from systemzero_storage.tenancy.tenant import TenantDatabase

T = TypeVar("T")


class Load(NamedTuple):
    """How busy a database is, as seen from this process.

    Attributes:
        jobs_waiting: write jobs that wait for a transaction.
        connections_in_use: connections, the writer's left out on SQLite, that are asked for or in
            use; more than there are where some wait for one.
        connections: how many there may be.
    """

    jobs_waiting: int
    connections_in_use: int
    connections: int


class Database(Protocol):
    """Runs jobs in transactions of their own.

    Attributes:
        name: what metrics call it.
        is_file: whether it is a file on this machine's disk.
        notifier: says which tables have grown; its rounds are for whoever follows some.
    """

    name: str
    is_file: bool
    notifier: Notifier

    def of(self, tenant: str) -> TenantDatabase:
        """The transactions of one tenant: their jobs reach its rows alone.

        Twice: `TenantConnection` runs no statement that forgets the tenant, and on PostgreSQL
        row-level security shows no other's rows whatever the statement.
        """
        ...

    async def read(self, job: Callable[[Connection], T]) -> T:
        """The result of `job` on one consistent snapshot, which holds every `write` that returned.

        Not for a tenant's rows: see `of`.

        Raises:
            Unavailable: the database does not answer, or is closed.
            DataCorrupted: the database is damaged.
        """
        ...

    async def write(self, job: Callable[[Connection], T]) -> T:
        """The result of `job`, once what it wrote is durable: it MUST NOT return before.

        A job that raises is rolled back alone, and its exception is raised here. When the caller
        is cancelled, the job may or may not take effect, but never in part. On PostgreSQL it waits
        for the write jobs of every tenant, and they for it.

        Not for a tenant's rows: see `of`.

        Raises:
            Unavailable: it could not be committed (disk full, locked, closed); nothing of it is
                seen by later reads. Or the connection went at the commit and the server did not
                come back in time to say what became of it: then the message says so.
            DataCorrupted: the database is damaged.
        """
        ...

    async def check(self) -> None:
        """Ask whether it answers, takes what is written, and has the schema that this code needs.

        Whether it takes what is written is tried only where the last write job says otherwise.

        A later schema is no reason to stop: it is there while a new release is being rolled out.

        Raises:
            Unavailable: it does not answer, or nothing can be written.
            SchemaMismatch: it holds an older schema, or none.
            DataCorrupted: it is damaged.
        """
        ...

    def load(self) -> Load:
        """How busy it is."""
        ...

    async def close(self) -> None:
        """Finish every job accepted so far, then release the database. May be called twice."""
        ...
