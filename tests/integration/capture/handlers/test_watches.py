"""Watches of captures: the diff service is asked for their verdicts once, whoever watches."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_base.pages import BATCH_ROWS
from systemzero_core.errors import Unavailable
from tests.support.services import House, capture_house
from tests.support.stores import document, tree

DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
WATCHES = 4


def of(text: str) -> pb.IngestRequest:
    return pb.IngestRequest(native=document(tree(text)), check=True)


async def watch(house: House, cursor: str = "") -> tuple[Any, str]:
    """A watch that is on, and the cursor at which it began."""
    made = house.captures().WatchCaptures(pb.WatchCapturesRequest(cursor=cursor))
    return made, (await made.read()).cursor


async def test_a_page_of_captures_has_its_verdicts_by_one_question(tmp_path: Path) -> None:
    count = BATCH_ROWS + 5
    async with capture_house(tmp_path) as house:
        first, cursor = await watch(house)
        first.cancel()
        sent = [(await house.captures().Ingest(of(f"b{n}"))).verdict for n in range(count)]
        events = house.fake.events
    async with capture_house(tmp_path) as house:  # which remembers no verdict
        house.fake.events = events
        resumed, _ = await watch(house, cursor)
        seen = [(await resumed.read()).capture for _ in range(count)]
        resumed.cancel()
        asked = house.fake.asked_for
    assert [capture.verdict for capture in seen] == sent
    assert {verdict.kind for verdict in sent} == {DRIFT}
    assert [len(ids) for ids in asked] == [BATCH_ROWS, 5]


async def test_all_watches_of_a_tenant_have_a_verdict_by_one_question(tmp_path: Path) -> None:
    async with capture_house(tmp_path) as house:
        watches = [(await watch(house))[0] for _ in range(WATCHES)]
        house.fake.error_of_stored = Unavailable("away")
        with pytest.raises(Exception, match="does not answer"):
            await house.captures().Ingest(of("Buy"))
        seen = [(await each.read()).capture for each in watches]
        for each in watches:
            each.cancel()
        assert len({capture.capture_id for capture in seen}) == 1
        assert [len(ids) for ids in house.fake.asked_for] == [1]
