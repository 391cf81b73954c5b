"""What keeps a capture from being collected: that something is made of it, not that it was read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import diff_service_pb2_grpc, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.quotas import StorageQuotas
from systemzero_capture.config import RetentionSettings
from tests.support.gateway import refused
from tests.support.pair import Pair, pair
from tests.support.stores import DAY, document, tree


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Pair]:
    async with pair(tmp_path, retention=RetentionSettings(days=1)) as both:
        yield both


def diff(served: Pair) -> Any:
    return served.stub(diff_service_pb2_grpc.DiffServiceStub, "diff", "acme")


async def ingest(served: Pair, *buttons: str) -> list[tree_pb2.TreeSource]:
    """A capture for each, of a screen with this button, named as requests name captures."""
    wanted = [pb.IngestRequest(native=document(tree(button))) for button in buttons]
    stored = [await served.captures().Ingest(request) for request in wanted]
    return [tree_pb2.TreeSource(capture_id=answer.capture.capture_id) for answer in stored]


async def left(served: Pair, *captures: tree_pb2.TreeSource) -> list[bool]:
    """Whether each is there still when all that may go has gone; the newest one always is."""
    await ingest(served, "the newest")
    served.clock.now += 100 * DAY
    await served.capture_service._collector.collect()
    listed = await served.captures().ListCaptures(pb.ListCapturesRequest())
    there = {capture.capture_id for capture in listed.captures}
    return [capture.capture_id in there for capture in captures]


async def learn(served: Pair, capture: tree_pb2.TreeSource) -> None:
    request = template_pb.LearnTemplateRequest(screen_id="checkout", captures=[capture])
    await served.templates().LearnTemplate(request)


async def check(served: Pair, capture: tree_pb2.TreeSource) -> str:
    request = diff_pb.CheckRequest(tree=capture, screen_hint="checkout")
    verdict = (await diff(served).Check(request)).verdict
    return verdict_pb2.VerdictKind.Name(verdict.kind).removeprefix("VERDICT_KIND_")


async def test_what_was_only_read_or_compared_goes(served: Pair) -> None:
    a, b, matched, fetched = captures = await ingest(served, "Buy", "Pay", "Sell", "Send")
    await diff(served).Diff(diff_pb.DiffRequest(a=a, b=b))
    await diff(served).Match(diff_pb.MatchRequest(tree=matched))
    wanted = pb.GetCaptureRequest(capture_id=fetched.capture_id, include_tree=True)
    await served.captures().GetCapture(wanted)
    assert await left(served, *captures) == [False] * 4


async def test_what_something_was_made_of_stays(served: Pair) -> None:
    learnt, drifted, unchanged = captures = await ingest(served, "Buy", "Pay", "Buy")
    await learn(served, learnt)
    assert await check(served, drifted) == "DRIFT"
    assert await check(served, unchanged) == "UNCHANGED"
    assert await left(served, *captures) == [True, True, False]
    await check(served, learnt)  # its tree is there, too


def ingest_checked(served: Pair, button: str) -> Any:
    """The call that takes in a capture of the screen and has it judged."""
    request = pb.IngestRequest(
        native=document(tree(button)), screen_hint="checkout", check=True, request_id=button
    )
    return served.captures().Ingest(request)


async def test_what_left_an_event_stays_and_what_left_none_goes(served: Pair) -> None:
    await learn(served, *await ingest(served, "Buy"))
    drifted = (await ingest_checked(served, "Pay")).capture.capture_id
    unchanged = (await ingest_checked(served, "Buy")).capture.capture_id
    both = [tree_pb2.TreeSource(capture_id=capture_id) for capture_id in (drifted, unchanged)]
    assert await left(served, *both) == [True, False]


async def test_drift_that_had_no_room_for_its_event_stays(served: Pair) -> None:
    await learn(served, *await ingest(served, "Buy"))
    served.quotas = StorageQuotas(events=1, captures=100)
    await ingest_checked(served, "Pay")
    code, _, details = await refused(ingest_checked(served, "Sell"))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    capture_id = details["ErrorInfo"].metadata["capture_id"]
    assert await left(served, tree_pb2.TreeSource(capture_id=capture_id)) == [True]


async def test_who_reads_a_capture_can_not_have_it_kept(served: Pair) -> None:
    (capture,) = await ingest(served, "Buy")
    with pytest.raises(grpc.aio.AioRpcError, match="hold: said by the diff service alone") as error:
        await served.captures().GetCapture(
            pb.GetCaptureRequest(capture_id=capture.capture_id, hold=True)
        )
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert await left(served, capture) == [False]
