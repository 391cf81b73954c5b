"""What the integration tests share."""

from __future__ import annotations

import pytest

from tests.support.databases import DATABASES, OpenDatabase


@pytest.fixture(params=DATABASES)
def open_database(request: pytest.FixtureRequest) -> OpenDatabase:
    """Opens an empty database, one of each kind."""
    return DATABASES[request.param](request)
