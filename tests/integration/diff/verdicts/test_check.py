"""The Check call: what is known, what is drift, what cannot be said; and who may ask how."""

from __future__ import annotations

import asyncio

import grpc
import pytest

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import diff_service_pb2_grpc, verdict_pb2
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.signature import sign
from systemzero_core.tree import Tree
from systemzero_wire.trees import encode_signatures
from tests.support.checks import (
    DRIFT,
    INCONCLUSIVE,
    UNCHANGED,
    UNKNOWN_SCREEN,
    check,
    check_signatures,
    events,
    learn,
    log_entries,
    source,
)
from tests.support.gateway import refused
from tests.support.screens import CART, CHANGED, ORDER, OTHER, screen
from tests.support.services import House
from tests.support.stores import document

WAITING = tree_pb2.Incompleteness(
    reason=tree_pb2.INCOMPLETENESS_REASON_MISSING_FRAME, detail="a frame is missing"
)


async def test_signatures_alone_decide_what_is_known_and_leaves_no_event(house: House) -> None:
    await learn(house, "order", ORDER)
    assert (await check_signatures(house, ORDER)).tree_needed
    first = await check(house, ORDER)
    assert (await check_signatures(house, ORDER)).verdict == first
    assert (await check(house, CHANGED)).kind == DRIFT
    assert (await check_signatures(house, CHANGED)).tree_needed
    # another version of the template, and nothing is known any more
    await learn(house, "order", ORDER)
    assert (await check_signatures(house, ORDER)).tree_needed


async def test_inconclusive_is_never_an_event(house: House) -> None:
    await learn(house, "order", ORDER)
    reason = tree_pb2.INCOMPLETENESS_REASON_BUSY
    gap = tree_pb2.Incompleteness(reason=reason)
    size = len(await log_entries(house))
    verdict = await check(house, CHANGED, "order", incompleteness=[gap])
    assert (verdict.kind, verdict.event_id, verdict.log_index) == (INCONCLUSIVE, "", -1)
    assert "busy" in verdict.explanation
    empty = await check(house, Tree((), ()), "order")
    assert empty.kind == INCONCLUSIVE
    assert (await events(house), len(await log_entries(house))) == ([], size)
    bad = tree_pb2.Incompleteness(reason=99)  # type: ignore[arg-type]
    code, _, details = await refused(check(house, ORDER, incompleteness=[bad]))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details["BadRequest"].field_violations[0].field == "incompleteness[0].reason"


async def test_drift_is_one_event_for_one_request_id(house: House) -> None:
    await learn(house, "order", ORDER)
    size = len(await log_entries(house))
    request = diff_pb.CheckRequest(tree=source(CHANGED), request_id="one")
    answers = await asyncio.gather(*(house.diff().Check(request) for _ in range(10)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert len(await events(house)) == 1
    assert len(await log_entries(house)) == size + 1
    request.app = "another request"
    code, reason, _ = await refused(house.diff().Check(request))
    assert (code, reason) == (grpc.StatusCode.ABORTED, "CONFLICT")
    counts = (await house.drift().GetSummary(drift_pb.GetSummaryRequest())).verdicts
    assert [(count.kind, count.count) for count in counts] == [(DRIFT, 1)]


async def test_a_sessions_path_is_followed_also_by_digest_alone(house: House) -> None:
    await learn(house, "order", ORDER, valid_transitions=["order-done"])
    await learn(house, "cart", CART)
    for step in (ORDER, CART):
        await check(house, step)
    unknown = await check(house, OTHER)
    assert (unknown.kind, unknown.match.screen_id) == (UNKNOWN_SCREEN, "order")

    async def path(session: str, *steps: Tree) -> list[str]:
        found = []
        for step in steps:
            answer = await check_signatures(house, step, session_id=session)
            found = [finding.code for finding in answer.verdict.findings]
        return found

    assert await path("a", ORDER) == []
    assert await path("b", ORDER, CART) == ["invalid_transition"]
    assert await path("c", CART, ORDER) == []
    # an unknown screen is no screen, not the one that it is a little like
    assert await path("d", OTHER) == ["unknown_screen"]
    assert await path("e", ORDER, OTHER) == ["unknown_screen"]
    # what can't be judged is no step
    gap = [tree_pb2.Incompleteness(detail="loading")]
    await check_signatures(house, CART, session_id="f", incompleteness=gap)
    assert await path("f", ORDER, CART) == ["invalid_transition"]


async def test_a_finding_about_the_path_raises_drifts_severity(house: House) -> None:
    await learn(house, "order", ORDER, valid_transitions=["order-done"])
    await learn(house, "cart", CART)
    changed = screen("Cart", "Remove", "Checkout", "Empty", "Saved")
    alone = await check(house, changed)
    await check(house, ORDER, session_id="s")
    on_path = await check(house, changed, session_id="s")
    assert on_path.kind == alone.kind == DRIFT
    assert on_path.severity >= verdict_pb2.SEVERITY_WARNING
    assert "sequence" in [finding.detector for finding in on_path.findings]
    assert "sequence" not in [finding.detector for finding in alone.findings]


async def test_what_is_not_known_is_never_called_equal(house: House) -> None:
    cut, later = (
        tree_pb2.TreeSource(native=tree_pb2.NativeCapture(data=data))
        for data in (b'- link "Docs"\n- link "Pri', b'- link "Shop"\n- link "')
    )
    compare = house.diff().Diff
    for a, b in ((cut, later), (cut, cut), (source(ORDER), cut), (cut, source(ORDER))):
        told = (await compare(diff_pb.DiffRequest(a=a, b=b))).comparison
        equal = (told.equal, told.structure_equal, told.content_equal, told.similarity)
        assert equal == (False, False, False, 0.0)
        reasons = [r.reason for r in (*told.incompleteness_a, *told.incompleteness_b)]
        assert tree_pb2.INCOMPLETENESS_REASON_TRUNCATED in reasons
    whole = (await compare(diff_pb.DiffRequest(a=source(ORDER), b=source(ORDER)))).comparison
    assert whole.equal
    assert not whole.incompleteness_a
    assert not whole.incompleteness_b


async def test_a_stored_capture_stays_incomplete_wherever_it_is_named(house: House) -> None:
    await learn(house, "order", ORDER)
    house.fake.trees["cap_1"], house.fake.incomplete["cap_1"] = ORDER, WAITING
    named = tree_pb2.TreeSource(capture_id="cap_1")
    verdict = (await house.diff().Check(diff_pb.CheckRequest(tree=named))).verdict
    assert verdict.kind == INCONCLUSIVE
    assert "a frame is missing" in verdict.explanation
    compared = await house.diff().Diff(diff_pb.DiffRequest(a=named, b=source(ORDER)))
    assert not compared.comparison.equal
    assert list(compared.comparison.incompleteness_a) == [WAITING]
    lesson = template_pb.LearnTemplateRequest(screen_id="other", captures=[named])
    code, _, _ = await refused(house.templates().LearnTemplate(lesson))
    assert code is grpc.StatusCode.INVALID_ARGUMENT


async def test_only_the_capture_service_says_which_capture_a_tree_is_of(house: House) -> None:
    await learn(house, "order", ORDER)
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    forged = diff_pb.CheckRequest(tree=source(CHANGED), capture_id="cap_of_somebody")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Check(forged, metadata=house.identity(issuer="gateway"))
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "capture_id" in (caught.value.details() or "")
    assert await events(house) == []


async def test_a_client_cannot_sign_a_tree_for_what_it_is_not(house: House) -> None:
    await learn(house, "order", ORDER)
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    native = document(CHANGED)
    request = diff_pb.CheckRequest(
        tree=tree_pb2.TreeSource(native=native), signatures=encode_signatures(sign(ORDER))
    )
    answer = await stub.Check(request, metadata=house.identity(issuer="gateway"))
    assert answer.verdict.kind == DRIFT
    assert (await check(house, ORDER)).kind == UNCHANGED
