"""SQLAlchemy engines for one SQLite file, with the pragmas that durability needs."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, event

BUSY_TIMEOUT: Final = 5.0
"""Seconds to wait for another process's lock before a job fails."""

# FULL: a commit is on the disk when COMMIT returns, also after a power cut (NORMAL would lose the
# last ones). WAL: readers never wait for the writer. secure_delete: what is erased is overwritten.
_WRITER_PRAGMAS: Final = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "journal_size_limit=67108864",
    "cache_size=-8192",
)
_READER_PRAGMAS: Final = ("query_only=ON",)


def create_private_file(path: Path) -> None:
    """Make sure `path` exists with mode 0600, in a folder that is made with 0700 if missing.

    SQLite gives the files it puts beside (`-wal`, `-shm`) the mode of this one.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def writer_engine(path: Path) -> Engine:
    """An engine whose transactions take the write lock at once, so that they never deadlock."""
    return _engine(path, "BEGIN IMMEDIATE", _WRITER_PRAGMAS)


def reader_engine(path: Path) -> Engine:
    """An engine whose transactions are snapshots that cannot write."""
    return _engine(path, "BEGIN", _READER_PRAGMAS)


def _engine(path: Path, begin: str, pragmas: Sequence[str]) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        poolclass=NullPool,
        # isolation_level None: the driver begins nothing by itself, the event below does
        connect_args={"isolation_level": None, "timeout": BUSY_TIMEOUT, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: sqlite3.Connection, _record: Any) -> None:
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
