"""A bounded slice of the fuzzing; the long one is `make fuzz`."""

from __future__ import annotations

import secrets
from pathlib import Path

from tests.security.fuzz import fuzz

INPUTS = 4_000


def test_malformed_inputs_crash_nothing_tell_nothing_and_hurt_nobody(tmp_path: Path) -> None:
    outcome = fuzz(INPUTS, secrets.randbelow(2**32), tmp_path)
    assert outcome.failures == [], outcome.seed
    assert sum(outcome.sent.values()) == INPUTS
    assert len(outcome.sent) > 10
    assert outcome.good_calls > 10
    first, last = outcome.resident
    assert last - first < 60_000_000  # of a bomb alone it would be more
