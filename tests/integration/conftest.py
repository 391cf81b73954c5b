"""What the integration tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.databases import DATABASES, OpenDatabase
from tests.support.postgres import Server, server


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The PostgreSQL server of all tests."""
    with server() as running:
        yield running


@pytest.fixture(params=DATABASES)
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty database, one of each kind."""
    return DATABASES[request.param](request)
