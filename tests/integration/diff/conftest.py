"""What the tests of the diff service share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.services import House, diff_house


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A diff service that knows no screen, before a fake capture service."""
    async with diff_house(tmp_path / "diff") as served:
        yield served
