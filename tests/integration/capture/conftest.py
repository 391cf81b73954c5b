"""What the tests of the capture service share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.services import House, capture_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A capture service without captures, before a fake diff service."""
    async with capture_house(tmp_path) as served:
        yield served
