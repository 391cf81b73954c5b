"""The capture service behind a real port: what clients and crashes may do to it."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import (
    capture_service_pb2_grpc,
    tree_service_pb2,
    tree_service_pb2_grpc,
)
from systemzero.diff.v1 import verdict_pb2
from systemzero.errors.v1 import errors_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import METADATA_KEY, IdentitySigner, Principal
from systemzero_capture.model import Bounds
from systemzero_capture.store import METADATA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_core.tree import Tree
from systemzero_storage.database import open_sqlite
from systemzero_wire.trees import encode_tree
from tests.support.gateway import refused
from tests.support.services import KEY, House, capture_house, seconds
from tests.support.stores import DAY, NOW, document, known, tree

UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT


def of(content: Tree, **fields: Any) -> pb.IngestRequest:
    """A request with the tree's own JSON as its native document."""
    return pb.IngestRequest(native=document(content), **fields)


def listed(tenant: Any) -> Any:
    return tenant.ListCaptures(pb.ListCapturesRequest())


async def stream(house: House, requests: Iterable[pb.IngestRequest]) -> list[Any]:
    async def sent() -> AsyncIterator[pb.IngestStreamRequest]:
        for request in requests:
            yield pb.IngestStreamRequest(ingest=request)

    return [answer async for answer in house.captures().IngestStream(sent())]


async def test_direct_calls_without_a_good_identity_are_refused(house: House) -> None:
    stub = capture_service_pb2_grpc.CaptureServiceStub(house.channel)
    principal = Principal("acme", "key_1")
    forged = IdentitySigner("gateway", Ed25519PrivateKey.generate(), seconds)
    stale = IdentitySigner("gateway", KEY, lambda: seconds() - 31)
    stranger = IdentitySigner("somebody", KEY, seconds)
    gateway = IdentitySigner("gateway", KEY, seconds)
    tokens = [
        None,
        "x.y",
        forged.token(principal, "capture"),
        stale.token(principal, "capture"),
        stranger.token(principal, "capture"),
        gateway.token(principal, "diff"),
    ]
    for token in tokens:
        metadata = [(METADATA_KEY, token)] if token else []
        code, reason, _ = await refused(
            stub.ListCaptures(pb.ListCapturesRequest(), metadata=metadata)
        )
        assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_a_capture_is_judged_as_its_principal(house: House) -> None:
    answer = await house.captures("beta").Ingest(of(tree("Buy"), check=True, app="shop"))
    assert answer.verdict.kind == DRIFT
    assert answer.verdict.event_id == f"evt_of_{answer.capture.capture_id}"
    assert set(house.fake.tenants) == {"beta"}
    by_signatures, by_tree = house.fake.requests
    assert not by_signatures.document
    assert not by_signatures.stored  # it is not there yet, so no event may name it
    assert by_tree.document
    assert by_tree.stored
    assert by_tree.capture_id == answer.capture.capture_id
    assert by_tree.app == "shop"
    request = pb.GetCaptureRequest(capture_id=answer.capture.capture_id)
    assert (await house.captures("beta").GetCapture(request)).capture.verdict == answer.verdict


async def test_the_tree_of_bytes_that_were_seen_before_is_not_read_to_be_sent(
    house: House,
) -> None:
    first = await house.captures().Ingest(of(tree("Buy")))
    assert not house.fake.requests
    answer = await house.captures().Ingest(of(tree("Buy"), check=True, screen_hint="shop"))
    assert answer.capture.capture_id != first.capture.capture_id
    assert answer.verdict.kind == DRIFT
    assert [request.stored for request in house.fake.requests] == [False, True]
    assert not any(request.document for request in house.fake.requests)


async def test_a_known_digest_costs_no_tree(house: House) -> None:
    house.fake.unchanged.add(known("Buy").signatures.full)
    answer = await house.captures().Ingest(of(tree("Buy"), check=True))
    assert answer.verdict.kind == UNCHANGED
    assert [bool(request.document) for request in house.fake.requests] == [False]


async def test_every_way_in_gives_the_same_signatures(house: House) -> None:
    captures = house.captures()
    native = await captures.Ingest(of(tree("Buy")))
    message = await captures.Ingest(pb.IngestRequest(tree=encode_tree(tree("Buy"))))
    digest = known("Buy").signatures.full
    alone = await captures.Ingest(pb.IngestRequest(full_digest=digest))
    assert native.capture.signatures == message.capture.signatures == alone.capture.signatures
    assert [a.capture.claimed_by_digest for a in (native, message, alone)] == [False, False, True]
    wanted = pb.GetCaptureRequest(capture_id=alone.capture.capture_id, include_tree=True)
    assert (await captures.GetCapture(wanted)).capture.tree == encode_tree(tree("Buy"))


async def test_a_digest_of_another_tenant_is_unknown(house: House) -> None:
    await house.captures("beta").Ingest(of(tree("Buy")))
    request = pb.IngestRequest(full_digest=known("Buy").signatures.full)
    assert (await house.captures().Ingest(request)).body_needed
    assert not (await listed(house.captures())).captures


async def test_after_erasure_the_body_is_asked_for_and_comes_back(house: House) -> None:
    captures = house.captures()
    first = await captures.Ingest(of(tree("Buy")))
    by_digest = pb.IngestRequest(full_digest=known("Buy").signatures.full)
    await captures.DeleteCapture(pb.DeleteCaptureRequest(capture_id=first.capture.capture_id))
    # known in memory, but no longer stored
    assert (await captures.Ingest(by_digest)).body_needed
    assert not (await captures.Ingest(of(tree("Buy")))).body_needed
    assert not (await captures.Ingest(by_digest)).body_needed


async def test_a_fault_of_the_diff_service_is_sent_generic(house: House) -> None:
    house.fake.error = RuntimeError("secret-internal-text")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await house.captures().Ingest(of(tree("Buy"), check=True))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(caught.value.details())


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.IngestRequest(), "content"),
        (pb.IngestRequest(full_digest=b"short"), "full_digest"),
        (of(tree("Buy"), app="a" * 201), "app"),
        (of(tree("Buy"), session_id="a" * 201), "session_id"),
        (of(tree("Buy"), request_id="a" * 101), "request_id"),
        (pb.IngestRequest(native=tree_pb2.NativeCapture(data=b"{}", format=99)), "native.format"),  # type: ignore[arg-type]
    ],
    ids=["nothing", "digest", "app", "session", "request id", "format"],
)
async def test_bad_requests_name_the_field(
    house: House, request_: pb.IngestRequest, field: str
) -> None:
    code, _, details = await refused(house.captures().Ingest(request_))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details["BadRequest"].field_violations[0].field == field


async def test_a_hostile_tree_message_names_its_node(house: House) -> None:
    nodes = [tree_pb2.Node(role="form", parent=-1), tree_pb2.Node(role="button", parent=5)]
    request = pb.IngestRequest(tree=tree_pb2.Tree(nodes=nodes))
    _, reason, details = await refused(house.captures().Ingest(request))
    assert reason == "MALFORMED_TREE"
    assert details["BadRequest"].field_violations[0].field == "tree.nodes[1].parent"


async def test_what_is_not_unicode_or_does_not_fit_is_no_internal_error(house: House) -> None:
    far = 2**31 - 1
    nodes = [
        {"role": "form", "name": "x", "bounds": [far, far, far, far]},
        {"role": "button", "name": "y", "bounds": [-far, -far, far, far], "parent": 0},
    ]
    boxes = json.dumps({"format": "systemzero.tree", "nodes": nodes}).encode()
    surrogate = b'{"format":"systemzero.tree","nodes":[{"role":"button","name":"\\ud800"}]}'
    for data in (boxes, surrogate):
        document = tree_pb2.NativeCapture(data=data)
        call = house.captures().Ingest(pb.IngestRequest(native=document, check=True))
        assert await call.code() in (grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT)


async def test_another_tenants_capture_is_not_found(house: House) -> None:
    mine = (await house.captures().Ingest(of(tree("Buy")))).capture.capture_id
    other = house.captures("beta")
    for call in (
        other.GetCapture(pb.GetCaptureRequest(capture_id=mine)),
        other.GetCapture(pb.GetCaptureRequest(capture_id=mine, include_tree=True)),
        other.DeleteCapture(pb.DeleteCaptureRequest(capture_id=mine)),
    ):
        code, reason, _ = await refused(call)
        assert (code, reason) == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert not (await listed(other)).captures
    watch = other.WatchCaptures(pb.WatchCapturesRequest())
    cursor = (await watch.read()).cursor
    watch.cancel()
    stolen = house.captures().WatchCaptures(pb.WatchCapturesRequest(cursor=cursor))
    code, _, details = await refused(stolen.read())
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details["BadRequest"].field_violations[0].field == "cursor"


async def test_a_stream_answers_each_in_order_and_goes_on_after_failures(house: House) -> None:
    requests = [
        of(tree(f"b{n}")) if n % 3 else pb.IngestRequest(full_digest=b"short") for n in range(60)
    ]
    answers = await stream(house, requests)
    assert [answer.index for answer in answers] == list(range(60))
    for answer in answers[::3]:
        assert answer.failure.reason == errors_pb2.ERROR_REASON_INVALID_INPUT
        assert answer.failure.violations[0].field == "full_digest"
    assert all(answer.HasField("ingest") for n, answer in enumerate(answers) if n % 3)


async def test_an_internal_fault_is_one_captures_failure_not_the_streams(house: House) -> None:
    house.fake.error = RuntimeError("secret-internal-text")
    answers = await stream(house, [of(tree("a"), check=True), of(tree("b"))])
    assert answers[0].failure.reason == errors_pb2.ERROR_REASON_INTERNAL
    assert "secret" not in answers[0].failure.message
    assert answers[1].ingest.capture.capture_id


async def test_captures_of_one_session_are_taken_in_their_order(house: House) -> None:
    requests = [
        of(
            tree(*(f"b{k}" for k in range(0 if n % 2 else 400)), f"c{n}"),
            session_id="s",
            check=True,
        )
        for n in range(20)
    ]
    answers = await stream(house, requests)
    sent = [answer.ingest.capture.capture_id for answer in answers]
    asked = [request.capture_id for request in house.fake.requests if request.stored]
    assert asked == sent


async def test_at_most_the_window_of_a_stream_is_worked_on(tmp_path: Path) -> None:
    async with capture_house(tmp_path, stream_window=4) as house:
        house.fake.open.clear()
        requests = [of(tree(f"b{n}"), check=True) for n in range(40)]
        answering = asyncio.ensure_future(stream(house, requests))
        await house.fake.until(4)
        house.fake.open.set()
        assert len(await answering) == 40
        assert house.fake.most_waiting == 4


async def test_a_stream_whose_client_goes_away_leaves_no_work(house: House) -> None:
    house.fake.open.clear()

    async def sent() -> AsyncIterator[pb.IngestStreamRequest]:
        for n in range(8):
            yield pb.IngestStreamRequest(ingest=of(tree(f"b{n}"), check=True))
        await asyncio.Event().wait()

    call = house.captures().IngestStream(sent())
    reading = asyncio.ensure_future(call.read())
    await house.fake.until(8)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    await house.fake.until(0)
    house.fake.open.set()
    assert not (await listed(house.captures())).captures


async def test_a_long_stream_takes_bounded_memory(tmp_path: Path) -> None:
    padding = [f"a button with a rather long name, number {n}" for n in range(40)]

    async def peak(house: House, count: int) -> int:
        gc.collect()
        tracemalloc.start()
        answered = 0

        async def sent() -> AsyncIterator[pb.IngestStreamRequest]:
            for n in range(count):
                yield pb.IngestStreamRequest(ingest=of(tree(f"b{n}", *padding)))

        async for answer in house.captures().IngestStream(sent()):
            assert answer.index == answered
            answered += 1
        assert answered == count
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    async with capture_house(tmp_path, known_captures=10) as house:
        await peak(house, 50)
        few, many = await peak(house, 150), await peak(house, 1_500)
    assert many < 2 * few


async def test_watching_starts_now_and_resumes_without_loss_or_repeat(house: House) -> None:
    captures = house.captures()
    await captures.Ingest(of(tree("before")))
    watch = captures.WatchCaptures(pb.WatchCapturesRequest())
    first = await watch.read()
    assert not first.HasField("capture")
    sent = [(await captures.Ingest(of(tree(f"b{n}")))).capture.capture_id for n in range(5)]
    seen = [await watch.read() for _ in range(2)]
    watch.cancel()
    resumed = captures.WatchCaptures(pb.WatchCapturesRequest(cursor=seen[-1].cursor))
    assert not (await resumed.read()).HasField("capture")
    seen += [await resumed.read() for _ in range(3)]
    resumed.cancel()
    assert [response.capture.capture_id for response in seen] == sent


async def test_pages_hold_while_captures_come_in(house: House) -> None:
    captures = house.captures()
    wanted = [(await captures.Ingest(of(tree("Buy")))).capture.capture_id for _ in range(7)]
    found, token = [], ""
    while True:
        request = pb.ListCapturesRequest(page_size=3, page_token=token)
        page = await captures.ListCaptures(request)
        found += [capture.capture_id for capture in page.captures]
        await captures.Ingest(of(tree("Buy")))
        if not (token := page.next_page_token):
            break
    assert found == wanted[::-1]


async def test_a_restart_forgets_nothing_that_was_answered(tmp_path: Path) -> None:
    request = of(tree("Buy"), request_id="one", check=True)
    async with capture_house(tmp_path) as house:
        first = await house.captures().Ingest(request)
        page = await house.captures().ListCaptures(pb.ListCapturesRequest(page_size=1))
        events = house.fake.events
    async with capture_house(tmp_path) as house:
        house.fake.events = events  # the diff service keeps them
        assert await house.captures().Ingest(request) == first
        assert not house.fake.requests
        again = await house.captures().ListCaptures(pb.ListCapturesRequest(page_size=1))
        assert again == page


async def test_what_the_diff_service_holds_stays(house: House, tmp_path: Path) -> None:
    ids = [(await house.captures().Ingest(of(tree(name)))).capture.capture_id for name in "abcd"]
    stub = tree_service_pb2_grpc.TreeServiceStub(house.channel)
    for capture_id, hold in zip(ids, (True, False), strict=False):
        wanted = tree_service_pb2.GetTreesRequest(capture_ids=[capture_id], hold=hold)
        await stub.GetTrees(wanted, metadata=house.identity(issuer="diff"))
    database = open_sqlite(tmp_path / "capture.db", METADATA, SCHEMA_VERSION)
    later = NOW + 1000 * DAY
    bounds = Bounds(before=later, most=0, settled=later)
    assert await SqlCaptureStore(database).collect("acme", bounds) == 2
    await database.close()
    # the one that a template is made of, say, and the newest, which always stays
    left = (await listed(house.captures())).captures
    assert {capture.capture_id for capture in left} == {ids[0], ids[3]}
