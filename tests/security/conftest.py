"""One split platform for all tests of this folder: real processes, real sockets, two tenants."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.security.credentials import Credentials, make_credentials
from tests.support.exposed import Exposed, exposed


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exposed]:
    """The platform; what a test does must not disturb others."""
    with exposed(tmp_path_factory.mktemp("attacked")) as running:
        yield running


@pytest.fixture(scope="session")
def credentials(house: Exposed) -> Credentials:
    """Every bad credential, and good ones of every role and scope."""
    return make_credentials(house)
