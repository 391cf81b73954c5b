"""What services remember of captures and verdicts has a bound in bytes."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from systemzero_base.lru import Lru
from systemzero_capture.intake.known import known_memory
from systemzero_capture.model import ContentFacts, Reason
from systemzero_core.drift import Verdict
from systemzero_core.signature import Signatures
from systemzero_diff.model import Judged
from systemzero_diff.verdicts.check import judged_memory
from tests.support.services import capture_house, diff_house

MEGABYTE = 1_000_000


def test_large_drift_takes_no_more_than_is_set() -> None:
    lru: Lru[Any, Judged] = Lru(500, judged_memory, 64 * MEGABYTE)
    for number in range(200):
        key = ("acme", (1, number), b"", "", "")
        lru.put(key, Judged(Verdict.DRIFT, bytes(MEGABYTE), "screen"))
    assert 50 <= len(lru) <= 64


def test_words_count_wherever_they_are() -> None:
    verdict = Judged(Verdict.UNCHANGED, b"x" * 1_000)
    plain: Any = ("acme", (1, 1), b"", "", "")
    hinted: Any = ("acme", (1, 1), b"", "h" * 1_000, "a" * 1_000)
    assert judged_memory(plain, verdict) > 1_000
    assert judged_memory(hinted, verdict) >= judged_memory(plain, verdict) + 2_000
    known = ContentFacts(Signatures(b"", b"", b""), 1, None, (Reason("busy", "x" * 1_000),))
    assert known_memory(b"", known) > 1_000


@pytest.mark.parametrize(("house", "most", "count"), [(capture_house, 1, 1), (diff_house, 2, 2)])
async def test_services_keep_to_what_is_set(
    tmp_path: Path, house: Callable[..., Any], most: int, count: int
) -> None:
    async with house(tmp_path, known_bytes=MEGABYTE + most):
        lrus = [each for each in gc.get_objects() if isinstance(each, Lru)]
        assert sum(each.most_bytes == MEGABYTE + most for each in lrus) == count
