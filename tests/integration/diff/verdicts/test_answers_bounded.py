"""Large drift: answers, events and log entries of a bounded size, and consent to what was shown."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
import zstandard

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import template_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero_core.tree import Node, Tree
from systemzero_wire.trees import encode_tree
from tests.support import sqlite
from tests.support.checks import DRIFT, check, decide, event, ingest, log_entries, put, source
from tests.support.services import House

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


async def test_deep_drift_makes_small_answers_events_and_entries(house: House) -> None:
    await put(house, "deep", chain(4_000))
    verdict = await ingest(house, chain(4_000, 500), "deep")
    assert verdict.kind == DRIFT
    assert verdict.ByteSize() <= MEGABYTE
    assert (await event(house, verdict.event_id)).verdict == verdict
    entry = (await log_entries(house))[verdict.log_index]
    assert len(entry.body) <= ENTRY
    assert b"more" in entry.body


async def test_a_deep_diff_has_a_small_answer(house: House) -> None:
    a, b = chain(4_000), chain(4_000, 500)
    answer = await house.diff().Diff(diff_pb.DiffRequest(a=source(a), b=source(b)))
    assert answer.ByteSize() <= MEGABYTE
    assert answer.script.more_edits > 0


async def test_an_approval_leaves_open_what_was_not_shown(house: House) -> None:
    await put(house, "wide", words(1_500, "was"))
    changed = words(1_500, "is")
    verdict = await ingest(house, changed, "wide")
    shown, more = len(verdict.script.edits), verdict.script.more_edits
    assert (shown + more, more > 0) == (1_500, True)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await decide(house, "approve", verdict.event_id)
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert "shows more" in str(refused.value.details())
    await decide(house, "approve until", verdict.event_id)
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
    entry = (await log_entries(house))[first.log_index]
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
    assert (after - before) / 40 <= 2 * (2_000 + len(entry.body))


async def test_a_verdict_that_was_altered_in_the_database_is_not_served(
    house: House, tmp_path: Path
) -> None:
    await put(house, "wide", words(20, "was"))
    seen = await ingest(house, words(20, "is"), "wide")
    with sqlite.opened(tmp_path / "diff" / "diff.db") as file:
        file.execute("UPDATE verdicts SET body = ?", (zstandard.compress(b""),))
        file.commit()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await event(house, seen.event_id)
    assert refused.value.code() is grpc.StatusCode.DATA_LOSS


async def test_a_verdict_stays_for_the_captures_that_are_left(house: House, tmp_path: Path) -> None:
    await put(house, "wide", words(20, "was"))
    seen = [await ingest(house, words(20, "is"), "wide") for _ in range(2)]
    assert stored(tmp_path)[0] == 1
    await house.drift().EraseCapture(pb.EraseCaptureRequest(capture_id="cap_1"))
    gone, left = [await event(house, each.event_id) for each in seen]
    assert not gone.verdict.script.edits
    assert left.verdict == seen[1]
    await house.drift().EraseCapture(pb.EraseCaptureRequest(capture_id="cap_2"))
    assert stored(tmp_path)[0] == 1  # what is left of both, which is alike


async def test_a_repeat_is_answered_as_the_first_call_was(house: House) -> None:
    await put(house, "wide", words(20, "was"))
    shown = words(20, "is")
    first = await ingest(house, shown, "wide")
    assert await check(house, shown, "wide", capture_id="cap_1") == first
    answer = await decide(house, "reject", first.event_id, request_id="no")
    assert await decide(house, "reject", first.event_id, request_id="no") == answer
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
