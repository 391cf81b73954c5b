"""SQLite's and SQLAlchemy's errors as the domain's: what a caller can do about them."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError

from systemzero_core.errors import DataCorrupted, DomainError, Unavailable

_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: "the database is locked by another process",
    sqlite3.SQLITE_LOCKED: "the database is locked by another process",
    sqlite3.SQLITE_FULL: "the disk with the database is full",
    sqlite3.SQLITE_IOERR: "the disk with the database fails",
    sqlite3.SQLITE_READONLY: "the database is not writable",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened",
    sqlite3.SQLITE_NOMEM: "the database is out of memory",
}
_CORRUPTED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NO_TEXT: Final = "Could not decode to UTF-8"  # the driver's own error, without a code
_PRIMARY: Final = 0xFF  # the low byte of an extended result code is its primary code


def translated(error: BaseException) -> BaseException:
    """The domain's error for `error`, caused by it, or `error` itself where there is none.

    Constraint violations and programming errors stay as they are: they are the job's own.
    """
    driver_error = error.orig if isinstance(error, DBAPIError) else error
    if not isinstance(driver_error, sqlite3.Error):
        return error
    code = getattr(driver_error, "sqlite_errorcode", sqlite3.SQLITE_OK) & _PRIMARY
    domain_error: DomainError
    if code in _UNAVAILABLE:
        domain_error = Unavailable(_UNAVAILABLE[code])
    elif code in _CORRUPTED or str(driver_error).startswith(_NO_TEXT):
        domain_error = DataCorrupted("the database's file is damaged: restore it from a backup")
    else:
        return error
    domain_error.__cause__ = error
    return domain_error
