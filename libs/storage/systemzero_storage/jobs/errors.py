"""The drivers' and SQLAlchemy's errors as the domain's: what a caller can do about them."""

from __future__ import annotations

import sqlite3
import sys
from pathlib import Path
from typing import Final

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from systemzero_base.work.descriptors import NONE_LEFT, none_left, used_up
from systemzero_core.errors import DataCorrupted, DomainError, InvalidInput, Unavailable
from systemzero_storage.jobs.patience import LOCKED

_UNAVAILABLE: Final = {
    sqlite3.SQLITE_BUSY: LOCKED,
    sqlite3.SQLITE_LOCKED: LOCKED,
    sqlite3.SQLITE_FULL: "the disk with the database is full",
    sqlite3.SQLITE_IOERR: "the disk with the database fails",
    sqlite3.SQLITE_READONLY: "the database is not writable",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened",
    sqlite3.SQLITE_NOMEM: "the database is out of memory",
}
_LASTING: Final = frozenset(
    {
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
    }
)
_OPENING: Final = frozenset({sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_IOERR})
_CORRUPTED: Final = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_NO_TEXT: Final = "Could not decode to UTF-8"  # the driver's own error, without a code
_PRIMARY: Final = 0xFF  # the low byte of an extended result code is its primary code

# PostgreSQL, appendix A: https://www.postgresql.org/docs/current/errcodes-appendix.html
_UNAVAILABLE_STATES: Final = {
    "25006": "the database is not writable: it is a standby",
    "53100": "the disk with the database is full",
    "53200": "the database is out of memory",
    "53300": "the database has no connection left",
    "55P03": "a lock in the database was not free in time",
    "57014": "the database took too long for a statement",
    "58030": "the disk with the database fails",
    "40001": "the database was too busy with others; try again",
    "40P01": "the database was too busy with others; try again",
}
_LASTING_STATES: Final = frozenset({"25006", "53100", "58030"})
_NO_CHARACTER: Final = "22021"
_CORRUPTED_CLASS: Final = "XX"
_LOST_STATES: Final = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})
_LOST_CLASS: Final = "08"


def translated(error: BaseException) -> BaseException:
    """The domain's error for `error`, caused by it, or `error` itself where there is none.

    Constraint violations and programming errors stay as they are: they are the job's own.
    """
    driver_error = _driver_error(error)
    if isinstance(driver_error, sqlite3.Error):
        domain_error = _of_sqlite(driver_error)
    else:
        domain_error = _of_postgres(driver_error)
    if domain_error is None:
        return error
    domain_error.__cause__ = error
    return domain_error


def translated_of(what: Path | str, error: BaseException) -> BaseException:
    """As `translated`, for who meets it before a service says which database is its own."""
    found = translated(error)
    if isinstance(found, (Unavailable, DataCorrupted)):
        named = type(found)(f"{what}: {found.message}")
        named.__cause__ = error
        return named
    return found


def lasting(error: BaseException) -> DomainError | None:
    """The domain's error for `error` if the next job will meet the same.

    A full disk, a damaged file, a lock that was not to be had in all the time there was.

    `error` may be the domain's already.
    """
    if isinstance(error, Unavailable) and error.message == LOCKED:
        return error
    if isinstance(error, DomainError) and error.__cause__ is not None:
        error = error.__cause__
    driver_error = _driver_error(error)
    if isinstance(driver_error, sqlite3.Error):
        return _of_sqlite(driver_error) if primary_code(driver_error) in _LASTING else None
    return _of_postgres(driver_error) if _state(driver_error) in _LASTING_STATES else None


def is_lost(error: BaseException) -> bool:
    """Whether `error` says that the connection to a server is gone, or was never there."""
    driver_error = _driver_error(error)
    state = _state(driver_error)
    if state:
        return state in _LOST_STATES or state.startswith(_LOST_CLASS)
    return isinstance(driver_error, (OSError, TimeoutError)) or _is_of_asyncpg(driver_error)


def _is_of_asyncpg(error: BaseException) -> bool:
    """Whether asyncpg raised `error` by itself: not the server's word, but that it is gone."""
    asyncpg = sys.modules.get("asyncpg")
    if asyncpg is None:  # on SQLite, which is most installations: it takes 7 MB to import
        return False
    # InternalClientError: the server ended the session between two statements, which confuses it
    return isinstance(error, (asyncpg.InterfaceError, asyncpg.InternalClientError))


def _driver_error(error: BaseException) -> BaseException:
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
        # SQLAlchemy's adapter raises an error of its own from that of asyncpg
        if not isinstance(error, sqlite3.Error) and error.__cause__ is not None:
            return error.__cause__
    return error


def _state(error: BaseException) -> str:
    return str(getattr(error, "sqlstate", None) or "")


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code, such as SQLITE_BUSY; https://sqlite.org/rescode.html."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK)) & _PRIMARY


def _of_sqlite(error: sqlite3.Error) -> DomainError | None:
    code = primary_code(error)
    if code in _OPENING and none_left():
        return Unavailable(NONE_LEFT)
    if code in _UNAVAILABLE:
        return Unavailable(_UNAVAILABLE[code])
    if code in _CORRUPTED or str(error).startswith(_NO_TEXT):
        return DataCorrupted("the database's file is damaged: restore it from a backup")
    return None


def _of_postgres(error: BaseException) -> DomainError | None:
    state = _state(error)
    if state == _NO_CHARACTER:
        return InvalidInput("a text has the character U+0000, which can't be stored")
    if state in _UNAVAILABLE_STATES:
        return Unavailable(_UNAVAILABLE_STATES[state])
    if state.startswith(_CORRUPTED_CLASS):
        return DataCorrupted("the database is damaged: restore it from a backup")
    if used_up(error):
        return Unavailable(NONE_LEFT)
    if isinstance(error, PoolTimeout):
        return Unavailable("every connection to the database is in use")
    if is_lost(error):
        return Unavailable("the database does not answer")
    return None
