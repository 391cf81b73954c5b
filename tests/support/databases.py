"""The databases that every store's suite runs over: each is one entry of `DATABASES`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import MetaData

from systemzero_storage.database import Database, open_sqlite
from tests.support.postgres import Server

OpenDatabase = Callable[[MetaData, int], Database]
"""Opens an empty database with the tables of a schema in a version."""


def sqlite(request: pytest.FixtureRequest) -> OpenDatabase:
    """The embedded default: a file in the test's folder."""
    folder: Path = request.getfixturevalue("tmp_path")
    return lambda metadata, version: open_sqlite(folder / "store.db", metadata, version)


def postgres(request: pytest.FixtureRequest) -> OpenDatabase:
    """A schema of its own on the session's server."""
    server: Server = request.getfixturevalue("postgres")
    return server.open


DATABASES: dict[str, Callable[[pytest.FixtureRequest], OpenDatabase]] = {
    "sqlite": sqlite,
    "postgres": postgres,
}
