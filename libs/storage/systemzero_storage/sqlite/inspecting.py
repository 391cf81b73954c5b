"""A SQLite file as it is looked at, by who leaves it as it is: a backup's, or a service's own."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from systemzero_core.errors import FailedPrecondition
from systemzero_storage.jobs.errors import translated_of
from systemzero_storage.jobs.trouble import RecentErrors
from systemzero_storage.schema import check_schema
from systemzero_storage.sqlite.database import SqliteDatabase
from systemzero_storage.sqlite.engines import looker_engine, transaction
from systemzero_storage.sqlite.readers import Readers

T = TypeVar("T")


class _NoWriter:
    async def run(self, _function: Callable[[Connection], T]) -> T:
        raise FailedPrecondition("the database was opened to be looked at")

    def waiting(self) -> int:
        return 0

    async def close(self) -> None:
        """Nothing to wait for."""


def look_at_sqlite(path: Path, schema_version: int, *, at_rest: bool) -> SqliteDatabase:
    """Open the database at `path`, and write neither into it nor, `at_rest`, beside it. Blocks.

    Args:
        path: the file.
        schema_version: the one that it has to have.
        at_rest: whether nobody writes to it, as to one in a backup. Beside one that a service
            writes to, SQLite keeps `-wal` and `-shm`, for readers too.

    Raises:
        SchemaMismatch: the file holds another version of the schema, or another's database.
        Unavailable: the file cannot be opened or is locked.
        DataCorrupted: the file is not a database, or damaged.
    """
    engine = looker_engine(path, at_rest=at_rest)
    try:
        with engine.connect() as connection, transaction(connection, "BEGIN"):
            check_schema(connection, schema_version, "")
    except (DBAPIError, sqlite3.Error) as error:
        raise translated_of(path, error)  # noqa: B904 - it has its cause, or is the error itself
    trouble = RecentErrors()
    readers = Readers(engine, 1, trouble)
    return SqliteDatabase(path.stem, schema_version, _NoWriter(), readers, trouble)
