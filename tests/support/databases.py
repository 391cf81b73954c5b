"""The databases that every store's suite runs over: each is one entry of `DATABASES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import MetaData

from systemzero_chassis.database import Database, open_sqlite

OpenDatabase = Callable[[MetaData, int], Database]
"""Opens an empty database with the tables of a schema in a version."""


def sqlite(folder: Path) -> OpenDatabase:
    """The embedded default: a file in `folder`."""
    return lambda metadata, version: open_sqlite(folder / "store.db", metadata, version)


DATABASES: dict[str, Callable[[Path], OpenDatabase]] = {"sqlite": sqlite}
