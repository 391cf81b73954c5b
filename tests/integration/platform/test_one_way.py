"""The way of a drift between capture and diff: what it asks for, commits and keeps, and where."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import tree_service_pb2 as tree_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import drift_service_pb2_grpc, verdict_pb2
from systemzero.diff.v1 import judgement_service_pb2 as judgement_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from tests.support.gateway import refused
from tests.support.pair import Pair, pair
from tests.support.stores import document, tree

DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
APPROVED = ("Buy", "Help", "About", "Terms", "Cart", "Search")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Pair]:
    async with pair(tmp_path) as both:
        source = tree_pb2.TreeSource(native=document(tree(*APPROVED)))
        request = template_pb.LearnTemplateRequest(screen_id="shop", captures=[source])
        await both.templates().LearnTemplate(request)
        yield both


def of(*names: str, **fields: Any) -> pb.IngestRequest:
    return pb.IngestRequest(native=document(tree(*names)), screen_hint="shop", **fields)


def drift(**fields: Any) -> pb.IngestRequest:
    return of("Sell", *APPROVED[1:], check=True, **fields)


async def got(served: Pair, capture_id: str) -> Any:
    return (await served.captures().GetCapture(pb.GetCaptureRequest(capture_id=capture_id))).capture


async def events(served: Pair) -> list[Any]:
    return list((await served.drift().ListEvents(drift_pb.ListEventsRequest())).events)


@contextmanager
def counted(served: Pair) -> Iterator[dict[str, int]]:
    """How often each method of either service is called meanwhile."""
    served.calls.clear()
    yield served.calls


async def test_drift_is_asked_for_twice_and_recorded_once(served: Pair) -> None:
    with counted(served) as calls:
        answer = await served.captures().Ingest(drift())
    assert calls == {"Ingest": 1, "JudgeCapture": 2}
    (event,) = await events(served)
    assert (answer.verdict.kind, answer.verdict.event_id) == (DRIFT, event.event_id)
    # a capture of bytes that are known: its tree is not needed a second time
    with counted(served) as calls:
        again = await served.captures().Ingest(drift())
    assert calls == {"Ingest": 1, "JudgeCapture": 2}
    assert again.verdict.event_id != event.event_id


async def test_what_is_unchanged_is_asked_for_once(served: Pair) -> None:
    await served.captures().Ingest(of(*APPROVED, check=True))
    with counted(served) as calls:
        answer = await served.captures().Ingest(of(*APPROVED, check=True))
    assert (answer.verdict.kind, calls) == (UNCHANGED, {"Ingest": 1, "JudgeCapture": 1})


async def test_the_verdict_of_an_event_is_told_wherever_the_capture_is_read(
    served: Pair, tmp_path: Path
) -> None:
    answer = await served.captures().Ingest(drift())
    capture_id = answer.capture.capture_id
    (listed,) = (await served.captures().ListCaptures(pb.ListCapturesRequest())).captures
    assert (await got(served, capture_id)).verdict == listed.verdict == answer.verdict
    async with pair(tmp_path) as other:  # a process that did not hear it
        with counted(other) as calls:
            assert (await got(other, capture_id)).verdict == answer.verdict
        assert calls == {"GetCapture": 1, "GetVerdicts": 1}


async def test_what_diff_has_forgotten_of_known_bytes_it_asks_for(served: Pair) -> None:
    await served.captures().Ingest(drift())
    # templates have changed: nothing that was judged before counts
    other = tree_pb2.TreeSource(native=document(tree("Other", "screen")))
    request = template_pb.LearnTemplateRequest(screen_id="other", captures=[other])
    await served.templates().LearnTemplate(request)
    with counted(served) as calls:
        answer = await served.captures().Ingest(drift())
    assert answer.verdict.kind == DRIFT
    assert calls == {"Ingest": 1, "JudgeCapture": 2, "GetTrees": 1}


async def test_a_repeat_gets_the_event_that_was_recorded_before_a_crash(
    served: Pair, tmp_path: Path
) -> None:
    first = await served.captures().Ingest(drift(request_id="one"))
    async with pair(tmp_path) as other:
        assert await other.captures().Ingest(drift(request_id="one")) == first
        assert len(await events(other)) == 1


async def test_texts_of_a_deleted_capture_are_told_by_nobody(served: Pair, tmp_path: Path) -> None:
    answer = await served.captures().Ingest(drift())
    request = pb.DeleteCaptureRequest(capture_id=answer.capture.capture_id)
    deleted = (await served.captures().DeleteCapture(request)).capture
    assert (deleted.verdict.kind, deleted.verdict.event_id) == (DRIFT, answer.verdict.event_id)
    assert not deleted.verdict.script.edits
    capture_id = answer.capture.capture_id
    async with pair(tmp_path) as other:
        assert not (await got(other, capture_id)).verdict.script.edits
        await got(other, capture_id)


async def test_a_template_is_learnt_by_one_call_for_its_captures(served: Pair) -> None:
    ids = [
        (await served.captures().Ingest(of(*APPROVED, f"Item {n}"))).capture.capture_id
        for n in range(4)
    ]
    sources = [tree_pb2.TreeSource(capture_id=capture_id) for capture_id in ids]
    request = template_pb.LearnTemplateRequest(screen_id="items", captures=sources)
    with counted(served) as calls:
        await served.templates().LearnTemplate(request)
    assert calls == {"LearnTemplate": 1, "GetTrees": 1}


async def test_trees_are_all_there_or_none(served: Pair) -> None:
    ids = [(await served.captures().Ingest(of(name))).capture.capture_id for name in "ab"]
    answer = await served.trees().GetTrees(tree_pb.GetTreesRequest(capture_ids=ids))
    assert [stored.capture_id for stored in answer.trees] == ids
    missing = tree_pb.GetTreesRequest(capture_ids=[*ids, "cap_of_nobody"])
    code, _, _ = await refused(served.trees().GetTrees(missing))
    assert code is grpc.StatusCode.NOT_FOUND
    await served.captures().DeleteCapture(pb.DeleteCaptureRequest(capture_id=ids[0]))
    code, _, _ = await refused(served.trees().GetTrees(tree_pb.GetTreesRequest(capture_ids=ids)))
    assert code is grpc.StatusCode.FAILED_PRECONDITION


@pytest.mark.parametrize("issuer", ["gateway", "capture", "diff"])
async def test_internal_methods_are_for_the_services_alone_that_their_policy_names(
    served: Pair, issuer: str
) -> None:
    judgements, trees = served.judgements(issuer=issuer), served.trees(issuer=issuer)
    drifts = served.stub(drift_service_pb2_grpc.DriftServiceStub, "diff", "acme", issuer)
    calls = [
        ("capture", judgements.JudgeCapture(judgement_pb.JudgeCaptureRequest())),
        ("capture", judgements.GetVerdicts(judgement_pb.GetVerdictsRequest())),
        ("capture", drifts.EraseCapture(drift_pb.EraseCaptureRequest())),
        ("diff", trees.GetTrees(tree_pb.GetTreesRequest())),
    ]
    for caller, call in calls:
        try:
            await call
            code = grpc.StatusCode.OK
        except grpc.aio.AioRpcError as error:
            code = error.code()
        assert (code is grpc.StatusCode.PERMISSION_DENIED) == (caller != issuer)
