"""Platforms for the tests of this folder: real processes, real sockets, several tenants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.credentials import Credentials, make_credentials
from tests.support.attacked import KINDS, Attacked, attacked
from tests.support.databases import DATABASES, OpenDatabase
from tests.support.exposed import Exposed, exposed
from tests.support.postgres import migrated


@pytest.fixture(scope="session")
def on_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exposed]:
    """A split platform with two tenants; what a test does must not disturb others."""
    with exposed(tmp_path_factory.mktemp("attacked")) as running:
        yield running


@pytest.fixture(scope="session")
def house(on_sqlite: Exposed) -> Exposed:
    """The platform that most tests attack."""
    return on_sqlite


@pytest.fixture(scope="session")
def credentials(house: Exposed) -> Credentials:
    """Every bad credential, and good ones of every role and scope."""
    return make_credentials(house)


@pytest.fixture(scope="session", params=KINDS)
def either_house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Exposed]:
    """Such a platform on each database."""
    if request.param == "sqlite":
        yield request.getfixturevalue("on_sqlite")
        return
    server = request.getfixturevalue("postgres").fresh()
    folder = tmp_path_factory.mktemp("attacked-postgres")
    with exposed(folder, migrated(server, folder)) as running:
        yield running
    server.drop()


@pytest.fixture(scope="session", params=KINDS)
def platform(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Attacked]:
    """A platform at the limits that it comes with, on each database; each case has own tenants."""
    with attacked(request.param, request, tmp_path_factory.mktemp("neighbours")) as running:
        yield running


@pytest.fixture(params=DATABASES)
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty database, one of each kind."""
    return DATABASES[request.param](request)
