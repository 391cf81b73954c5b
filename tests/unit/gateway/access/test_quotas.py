"""Quotas that could never be kept are refused where they are made."""

from __future__ import annotations

from typing import Any

import pytest

from systemzero_gateway.access.quotas import Quotas


@pytest.mark.parametrize(
    "wrong", [{"per_minute": 0}, {"per_minute": float("nan")}, {"burst": 0}, {"in_flight": -1}]
)
def test_a_quota_is_positive(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="positive"):
        Quotas(**wrong)
