"""Approvals, snoozes and rejections: what they change, what they need, when they end."""

from __future__ import annotations

import asyncio

import grpc

from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import verdict_pb2
from tests.support.checks import (
    DRIFT,
    UNCHANGED,
    check,
    decide,
    event,
    events,
    ingest,
    judge,
    learn,
    log_entries,
)
from tests.support.gateway import refused
from tests.support.screens import CART, CHANGED, ORDER, screen
from tests.support.services import House
from tests.support.stores import DAY


async def test_an_approval_for_good_makes_a_version(house: House) -> None:
    await learn(house, "order", ORDER, request_id="learn")
    verdict = await ingest(house, CHANGED)
    size = len(await log_entries(house))
    calls = [decide(house, "approve", verdict.event_id, request_id="one") for _ in range(5)]
    answers = await asyncio.gather(*calls)
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert answers[0].template.version == 2
    assert list(answers[0].template.capture_ids)[-1:] == ["cap_1"]
    assert len(await log_entries(house)) == size + 2
    assert (await check(house, CHANGED)).kind == UNCHANGED
    assert (await check(house, ORDER)).kind == DRIFT
    assert [e.state for e in await events(house)][-1] == drift_pb.EVENT_STATE_APPROVED


async def test_of_approvals_at_once_the_later_ones_are_told_to_check_again(house: House) -> None:
    await learn(house, "order", ORDER)
    verdicts = [await ingest(house, CHANGED) for number in range(4)]
    size = len(await log_entries(house))
    calls = [decide(house, "approve", verdict.event_id) for verdict in verdicts]
    done = await asyncio.gather(*calls, return_exceptions=True)
    failed = [error for error in done if isinstance(error, grpc.aio.AioRpcError)]
    assert len(failed) == len(calls) - 1
    assert {error.code() for error in failed} == {grpc.StatusCode.FAILED_PRECONDITION}
    assert {error.details() for error in failed} == {
        "template order has moved on from version 1 to 2: check the screen again"
    }
    assert len(await log_entries(house)) == size + 2  # of the one that was first


async def test_an_approval_needs_the_template_that_the_event_is_about(house: House) -> None:
    await learn(house, "order", ORDER)
    verdict = await ingest(house, CHANGED)
    await learn(house, "order", ORDER, CHANGED)
    code, reason, _ = await refused(decide(house, "approve", verdict.event_id))
    assert (code, reason) == (grpc.StatusCode.FAILED_PRECONDITION, "FAILED_PRECONDITION")
    # to reject it, the event alone is enough
    answer = await decide(house, "reject", verdict.event_id)
    assert answer.event.state == drift_pb.EVENT_STATE_REJECTED


async def test_an_approval_needs_the_capture_and_what_it_shows(house: House) -> None:
    await learn(house, "order", ORDER)
    nameless = await check(house, CHANGED)
    erased = await ingest(house, CHANGED)
    house.fake.erased.add("cap_1")
    foreign = await judge(house, CHANGED, "", "cap_of_nobody")
    swapped = await ingest(house, CHANGED)
    house.fake.trees["cap_2"] = CART
    size = len(await log_entries(house))
    wanted = [
        (nameless, grpc.StatusCode.FAILED_PRECONDITION),
        (erased, grpc.StatusCode.FAILED_PRECONDITION),
        (foreign, grpc.StatusCode.NOT_FOUND),
        (swapped, grpc.StatusCode.FAILED_PRECONDITION),
    ]
    for verdict, code in wanted:
        assert (await refused(decide(house, "approve", verdict.event_id)))[0] is code
    assert len(await log_entries(house)) == size
    # one that expires changes no template, and needs neither
    answer = await decide(house, "approve until", nameless.event_id)
    assert not answer.HasField("template")


async def test_an_approval_that_expires_is_open_again_by_itself(house: House) -> None:
    await learn(house, "order", ORDER)
    event_id = (await ingest(house, CHANGED)).event_id
    decision = (await decide(house, "approve until", event_id)).event.decision
    quiet = await check(house, CHANGED)
    assert (quiet.kind, list(quiet.decision_ids)) == (UNCHANGED, [decision.decision_id])
    house.clock.now += DAY
    assert (await check(house, CHANGED)).kind == DRIFT
    found = await event(house, event_id)
    assert found.state == drift_pb.EVENT_STATE_OPEN
    assert found.decision == decision


async def test_a_snooze_ends_by_itself(house: House) -> None:
    await learn(house, "order", ORDER)
    event_id = (await check(house, CHANGED)).event_id
    endless = drift_pb.SnoozeEventRequest(event_id=event_id, reason="on Monday")
    code, _, details = await refused(house.drift().SnoozeEvent(endless))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert details["BadRequest"].field_violations[0].field == "expire_time"
    await decide(house, "snooze", event_id)
    assert (await check(house, CHANGED)).kind == UNCHANGED
    assert [found.state for found in await events(house)] == [drift_pb.EVENT_STATE_SNOOZED]
    assert await events(house, state=drift_pb.EVENT_STATE_OPEN) == []
    house.clock.now += DAY
    assert await events(house, state=drift_pb.EVENT_STATE_SNOOZED) == []
    assert len(await events(house, state=drift_pb.EVENT_STATE_OPEN)) == 1
    assert (await check(house, CHANGED)).kind == DRIFT


async def test_a_rejected_change_is_worse_when_it_comes_back(house: House) -> None:
    await learn(house, "order", ORDER)
    first = await check(house, CHANGED)
    answer = await decide(house, "reject", first.event_id, request_id="r")
    assert await decide(house, "reject", first.event_id, request_id="r") == answer
    again = await check(house, CHANGED)
    assert again.severity == min(first.severity + 1, verdict_pb2.SEVERITY_CRITICAL)
    assert again.event_id != first.event_id
    assert again.fingerprint == first.fingerprint
    assert (await refused(decide(house, "reject", "evt_0")))[0] is grpc.StatusCode.NOT_FOUND
    _, _, details = await refused(decide(house, "reject", first.event_id, reason=""))
    assert details["BadRequest"].field_violations[0].field == "reason"


async def test_a_decision_for_the_application_reaches_its_other_screens(house: House) -> None:
    # the client does not name the application; the templates do
    await learn(house, "order", ORDER, app="shop")
    await learn(house, "cart", CART, app="shop")
    event_id = (
        await check(house, screen("Order", "Buy", "Cancel", "Help", "Print", "New"))
    ).event_id
    scope = drift_pb.DECISION_SCOPE_APP
    approval = await decide(house, "approve until", event_id, scope=scope)
    assert approval.event.app == "shop"
    same = await check(house, screen("Cart", "Remove", "Checkout", "Empty", "Save", "New"))
    assert same.kind == UNCHANGED
