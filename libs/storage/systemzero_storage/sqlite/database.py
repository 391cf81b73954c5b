"""The embedded default: one SQLite file, one writer, a reader on the loop, a few in threads."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

from sqlalchemy import Connection, MetaData
from sqlalchemy.exc import DBAPIError

from systemzero_core.errors import DataCorrupted, Unavailable
from systemzero_storage.following.notifier import Notifier
from systemzero_storage.jobs.errors import translated_of
from systemzero_storage.jobs.trouble import RecentErrors
from systemzero_storage.protocol import Load
from systemzero_storage.schema import check_not_older, ensure_schema, rewrite_version
from systemzero_storage.sqlite.engines import (
    create_private_file,
    reader_engine,
    transaction,
    writer_engine,
)
from systemzero_storage.sqlite.made import check_not_lost, note_made
from systemzero_storage.sqlite.noticing import SqliteNotifier
from systemzero_storage.sqlite.readers import Readers
from systemzero_storage.sqlite.writer import Writer
from systemzero_storage.tenancy.tenant import TenantConnection, TenantDatabase, Write, check_tenant

T = TypeVar("T")

_READERS: Final = 2


class Writes(Protocol):
    """What write jobs are given to; see `Writer`."""

    async def run(self, function: Callable[[Connection], T]) -> T: ...  # noqa: D102
    def waiting(self) -> int: ...  # noqa: D102
    async def close(self) -> None: ...  # noqa: D102


class SqliteDatabase:
    """A `Database` on one file; see `open_sqlite`."""

    is_file = True

    def __init__(
        self, name: str, version: int, writer: Writes, readers: Readers, trouble: RecentErrors
    ) -> None:
        """`version` is the schema's."""
        self._trouble = trouble
        self.name = name
        self._version = version
        self._writer = writer
        self._readers = readers
        self.notifier: Notifier = SqliteNotifier(readers)

    def of(self, tenant: str) -> TenantDatabase:
        """See `Database.of`."""
        return _Tenant(self, check_tenant(tenant))

    async def read(self, job: Callable[[Connection], T]) -> T:
        """See `Database.read`."""
        return await self._readers.run(job)

    async def look_up(self, job: Callable[[Connection], T]) -> T:
        """As `read`, on the event loop; see `TenantDatabase.look_up`."""
        await asyncio.sleep(0)  # who looks again and again lets others go on
        return self._readers.run_here(job)

    async def write(self, job: Callable[[Connection], T]) -> T:
        """See `Database.write`; jobs that wait at the same time share one commit."""
        return await self._writer.run(job)

    async def check(self) -> None:
        """See `Database.check`."""
        if self._trouble.damage is not None:
            raise DataCorrupted(self._trouble.damage.message)
        await self._readers.run_afresh(lambda c: check_not_older(c, self._version))
        if self._trouble.of_writing is not None:
            await self.write(rewrite_version)

    def load(self) -> Load:
        """See `Database.load`."""
        readers = self._readers.pool
        return Load(self._writer.waiting(), readers.tasks, readers.threads)

    async def close(self) -> None:
        """See `Database.close`."""
        # the writer last: the connection that goes last empties the write-ahead log into the file
        await asyncio.to_thread(self._readers.close)
        await self._writer.close()


class _Tenant:
    def __init__(self, database: SqliteDatabase, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def read(self, job: Callable[[TenantConnection], T]) -> T:
        return await self._database.read(lambda c: job(TenantConnection(c, self._tenant)))

    async def look_up(self, job: Callable[[TenantConnection], T]) -> T:
        return await self._database.look_up(lambda c: job(TenantConnection(c, self._tenant)))

    async def write(self, job: Callable[[TenantConnection], T]) -> T:
        return await self._database.write(Write(self._tenant, job))


def open_sqlite(
    path: Path, metadata: MetaData, schema_version: int, *, readers: int = _READERS
) -> SqliteDatabase:
    """Open the database at `path`; create it with `metadata`'s tables where there is none.

    The file has mode 0600; a missing folder is made with 0700. Blocks; for the start of a service.

    Raises:
        FailedPrecondition: it was here, and is gone.
        SchemaMismatch: the file holds another version of the schema, or another's database.
        Unavailable: the file cannot be opened or is locked.
        DataCorrupted: the file is not a database, or damaged.
    """
    check_not_lost(path)
    try:
        create_private_file(path)
        engine = writer_engine(path)
        with engine.connect() as connection, transaction(connection, "BEGIN IMMEDIATE"):
            ensure_schema(connection, metadata, schema_version)
        note_made(path)
        trouble = RecentErrors()
        writer = Writer(engine, path, trouble)
        reading = Readers(reader_engine(path), readers, trouble)
        return SqliteDatabase(path.stem, schema_version, writer, reading, trouble)
    except OSError as error:
        raise Unavailable(f"the database {path} cannot be opened: {error.strerror}") from error
    except (DBAPIError, sqlite3.Error) as error:
        raise translated_of(path, error)  # noqa: B904 - it has its cause, or is the error itself
