"""SQLAlchemy engines for one SQLite file, with the pragmas that durability needs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

from systemzero_base.secrets import private_folder

SYSTEM: Final = "sqlite"
"""What traces call this database."""

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another process's lock before a job fails."""

# FULL: a commit is on the disk when COMMIT returns, also after a power cut (NORMAL would lose the
# last ones). WAL: readers never wait for the writer;
# it is emptied into the file every 16 MB, so that pages written again and again go there once.
# secure_delete: what is erased is overwritten. temp_store: the journals of savepoints, one for each
# batch of jobs, are no files in /var/tmp.
_WRITER_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "temp_store=MEMORY",
    "journal_size_limit=67108864",
    "wal_autocheckpoint=4000",
    "cache_size=-8192",
)
_READER_PRAGMAS: Final = ("query_only=ON",)


def create_private_file(path: Path) -> None:
    """Make sure `path` exists with mode 0600, in a folder that is made with 0700 if missing.

    SQLite gives the files it puts beside (`-wal`, `-shm`) the mode of this one.
    """
    private_folder(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's connection: transaction control through SQLAlchemy costs ten times as much."""
    return cast("sqlite3.Connection", connection.connection.driver_connection)


@contextmanager
def transaction(connection: Connection, begin: str) -> Iterator[None]:
    """A transaction that `begin` starts: BEGIN for a snapshot, BEGIN IMMEDIATE to write.

    The latter takes the write lock at once, so that two writers never deadlock half-way.
    """
    with connection.begin():
        driver_of(connection).execute(begin)
        yield


def writer_engine(path: Path) -> Engine:
    """An engine for reading and writing."""
    return _engine(path, _WRITER_PRAGMAS)


def reader_engine(path: Path) -> Engine:
    """An engine whose connections cannot write."""
    return _engine(path, _READER_PRAGMAS)


def looker_engine(path: Path, *, at_rest: bool) -> Engine:
    """An engine that does not write into the file, and makes none; see `database.looking`.

    `at_rest` is for a file that nobody writes to: nothing is then made beside it either.
    """
    how = {"immutable": "1"} if at_rest else {"mode": "ro"}
    name = path.absolute().as_uri()
    return _engine_at(
        URL.create("sqlite", database=name, query={**how, "uri": "true"}), _READER_PRAGMAS
    )


def _engine(path: Path, pragmas: Sequence[str]) -> Engine:
    return _engine_at(URL.create("sqlite", database=str(path)), pragmas)


def _engine_at(url: URL, pragmas: Sequence[str]) -> Engine:
    engine = create_engine(
        url,
        poolclass=NullPool,
        # isolation_level None: the driver begins nothing by itself, `transaction` does
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    return engine
