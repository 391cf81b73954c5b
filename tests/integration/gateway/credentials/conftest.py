"""What the tests of credentials share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from systemzero_gateway.store import METADATA, SCHEMA_VERSION
from tests.support.databases import OpenDatabase
from tests.support.house import House


@pytest.fixture
async def house(open_database: OpenDatabase) -> AsyncIterator[House]:
    """The keys and tenants of a gateway, without the gateway."""
    database = open_database(METADATA, SCHEMA_VERSION)
    here = House(database)
    await here.open()
    yield here
    await database.close()
