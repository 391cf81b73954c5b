"""What the tests of the store of templates and events share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from systemzero_diff.store import METADATA, SCHEMA, SCHEMA_VERSION
from systemzero_storage.database import Database
from tests.support.databases import OpenDatabase
from tests.support.sealing import sealed


@pytest.fixture(params=["plain", "sealed"])
async def database(
    request: pytest.FixtureRequest, open_database: OpenDatabase
) -> AsyncIterator[Database]:
    """A database of the service, sealed or not."""
    opened = open_database(METADATA, SCHEMA_VERSION)
    if request.param == "sealed":
        opened = sealed(opened, SCHEMA)
    yield opened
    await opened.close()
