"""What the tests of the gateway's administration share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from systemzero_storage.database import DatabaseSettings
from tests.support.postgres import Server, migrated

Place = tuple[DatabaseSettings, tuple[str, ...]]


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where the gateway's database is: as settings, and as arguments of the command."""
    if request.param == "sqlite":
        yield DatabaseSettings(), ()
        return
    server: Server = request.getfixturevalue("postgres").fresh()
    file = migrated(server, tmp_path)
    yield DatabaseSettings(url_file=file, pool=4), ("--url-file", str(file))
    server.drop()
