"""Large drift: answers, events and log entries of a bounded size, and consent to what was shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import zstandard

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import template_pb2, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tree import Node, Tree
from systemzero_wire.fields import timestamp
from systemzero_wire.trees import encode_tree
from tests.support import sqlite
from tests.support.checks import DRIFT, check, judge, put
from tests.support.services import House, diff_house
from tests.support.stores import DAY

MEGABYTE = 1_000_000
ENTRY = 20_000
"""Bytes of what the log tells of an event, at most."""


def chain(count: int, salt: int = 1) -> Tree:
    """One node in the other, most of which have another name with another salt."""
    nodes = [Node("document", "Deep")]
    nodes += [Node("group" if i % 2 else "list", f"{(i + salt) % 977:x}") for i in range(count)]
    return Tree(nodes, range(-1, count))


def words(count: int, word: str) -> Tree:
    """Texts below a heading; with another word each of them is another one."""
    nodes = [Node("document", "Wide"), Node("heading", "Wide")]
    nodes += [Node("button", f"Button {i}") for i in range(4 * count)]
    nodes += [Node("text", f"{word} {chr(97 + i % 26) * (i // 26 + 1)}") for i in range(count)]
    return Tree(nodes, (-1, *(0 for _ in nodes[1:])))


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with diff_house(tmp_path / "diff") as served:
        yield served


async def ingest(house: House, shown: Tree, screen: str) -> verdict_pb2.Verdict:
    capture_id = f"cap_{len(house.fake.trees) + 1}"
    house.fake.trees[capture_id] = shown
    return await judge(house, shown, screen, capture_id)


async def test_deep_drift_makes_small_answers_events_and_entries(house: House) -> None:
    await put(house, "deep", chain(4_000))
    verdict = await ingest(house, chain(4_000, 500), "deep")
    assert verdict.kind == DRIFT
    assert verdict.ByteSize() <= MEGABYTE
    event = (await house.drift().GetEvent(pb.GetEventRequest(event_id=verdict.event_id))).event
    assert event.verdict == verdict
    entries = await house.log().ListEntries(log_pb.ListEntriesRequest(start=verdict.log_index))
    assert len(entries.entries[0].body) <= ENTRY
    assert b"more" in entries.entries[0].body


async def test_a_deep_diff_has_a_small_answer(house: House) -> None:
    a, b = chain(4_000), chain(4_000, 500)
    request = diff_pb.DiffRequest(
        a=tree_pb2.TreeSource(tree=encode_tree(a)), b=tree_pb2.TreeSource(tree=encode_tree(b))
    )
    answer = await house.diff().Diff(request)
    assert answer.ByteSize() <= MEGABYTE
    assert answer.script.more_edits > 0


async def test_an_approval_leaves_open_what_was_not_shown(house: House) -> None:
    await put(house, "wide", words(1_500, "was"))
    changed = words(1_500, "is")
    verdict = await ingest(house, changed, "wide")
    shown, more = len(verdict.script.edits), verdict.script.more_edits
    assert (shown + more, more > 0) == (1_500, True)
    until = timestamp(house.clock.now + DAY)
    approval = pb.ApproveEventRequest(event_id=verdict.event_id, reason="a new wording")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.drift().ApproveEvent(approval)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "shows more" in str(refused.value.details())
    approval.expire_time.CopyFrom(until)
    await house.drift().ApproveEvent(approval)
    rest = await ingest(house, changed, "wide")
    assert rest.kind == DRIFT
    assert rest.event_id != verdict.event_id
    assert len(rest.script.edits) + rest.script.more_edits == more
    seen = {edit.values_digest for edit in verdict.script.edits}
    assert not seen & {edit.values_digest for edit in rest.script.edits}


def stored(tmp_path: Path) -> tuple[int, int]:
    """How many verdicts the service's database has, and how many bytes its tables take."""
    with sqlite.opened(tmp_path / "diff" / "diff.db") as file:
        (count,) = file.execute("SELECT count(*) FROM verdicts").fetchone()
        (pages,) = file.execute("SELECT page_count FROM pragma_page_count").fetchone()
        (size,) = file.execute("SELECT page_size FROM pragma_page_size").fetchone()
        return count, pages * size


async def test_drift_that_repeats_is_stored_once(house: House, tmp_path: Path) -> None:
    await put(house, "deep", chain(4_000))
    first = await ingest(house, chain(4_000, 500), "deep")
    entries = await house.log().ListEntries(log_pb.ListEntriesRequest(start=first.log_index))
    _, before = stored(tmp_path)
    for number in range(40):
        again = await check(
            house,
            chain(4_000, 500),
            "deep",
            capture_id=f"cap_{2 + number}",
        )
        assert len(again.script.edits) == len(first.script.edits)
    count, after = stored(tmp_path)
    assert count == 1
    assert (after - before) / 40 <= 2 * (2_000 + len(entries.entries[0].body))


async def test_a_verdict_that_was_altered_in_the_database_is_not_served(
    house: House, tmp_path: Path
) -> None:
    await put(house, "wide", words(20, "was"))
    seen = await ingest(house, words(20, "is"), "wide")
    with sqlite.opened(tmp_path / "diff" / "diff.db") as file:
        file.execute("UPDATE verdicts SET body = ?", (zstandard.compress(b""),))
        file.commit()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await house.drift().GetEvent(pb.GetEventRequest(event_id=seen.event_id))
    assert refused.value.code() is grpc.StatusCode.DATA_LOSS


async def test_a_verdict_stays_for_the_captures_that_are_left(house: House, tmp_path: Path) -> None:
    await put(house, "wide", words(20, "was"))
    seen = [await ingest(house, words(20, "is"), "wide") for _ in range(2)]
    assert stored(tmp_path)[0] == 1
    await house.drift().EraseCapture(pb.EraseCaptureRequest(capture_id="cap_1"))
    gone, left = [
        (await house.drift().GetEvent(pb.GetEventRequest(event_id=each.event_id))).event
        for each in seen
    ]
    assert not gone.verdict.script.edits
    assert left.verdict == seen[1]
    await house.drift().EraseCapture(pb.EraseCaptureRequest(capture_id="cap_2"))
    assert stored(tmp_path)[0] == 1  # what is left of both, which is alike


async def test_a_repeat_is_answered_as_the_first_call_was(house: House) -> None:
    await put(house, "wide", words(20, "was"))
    house.fake.trees["cap_1"] = words(20, "is")
    shown = words(20, "is")
    first = await judge(house, shown, "wide", "cap_1")
    assert await judge(house, shown, "wide", "cap_1") == first
    rejection = pb.RejectEventRequest(request_id="no", event_id=first.event_id, reason="no")
    answer = await house.drift().RejectEvent(rejection)
    assert await house.drift().RejectEvent(rejection) == answer
    assert answer.event.verdict == first


async def test_a_page_of_templates_has_a_bounded_size(house: House) -> None:
    rule = template_pb2.PolicyRule(
        select=template_pb2.NodeSelector(role="text"), why="w" * 1_900, name="n" * 1_900
    )
    policy = template_pb2.TemplatePolicy(rules=[rule] * 500)
    for number in range(5):
        made = template_pb2.Template(
            screen_id=f"screen {number}", tree=encode_tree(words(3, "was")), policy=policy
        )
        request = template_pb.CreateTemplateRequest(template=made)
        await house.templates().CreateTemplate(request)
    token, seen = "", 0
    while True:
        asked = template_pb.ListTemplatesRequest(page_size=1_000, page_token=token)
        page = await house.templates().ListTemplates(asked)
        assert page.ByteSize() <= 2 * MEGABYTE + ENTRY
        seen, token = seen + len(page.templates), page.next_page_token
        if not token:
            break
    assert seen == 5
