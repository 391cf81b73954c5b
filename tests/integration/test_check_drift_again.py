"""Drift that was judged before: recorded anew for each capture, without its tree."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import diff_service_pb2_grpc, verdict_pb2
from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero_core.signature import sign
from systemzero_core.tree import Tree
from systemzero_wire.fields import timestamp
from systemzero_wire.trees import encode_signatures
from tests.support.checks import DRIFT, UNCHANGED, check, put, sentences
from tests.support.gateway import refused
from tests.support.services import House, diff_house
from tests.support.stores import DAY, NOW
from tests.unit.drift_trees import item, tree

HELP = tree(item("dialog", "Help", item("paragraph", "Ask us")))
SCOPE = pb.DECISION_SCOPE_SCREEN


def page(*more: str) -> Tree:
    return tree(
        item("heading", "Orders", attributes=(("level", "1"),)),
        *(item("link", f"Order {number}") for number in range(6)),
        *(item("text", text) for text in more),
    )


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with diff_house(tmp_path) as served:
        await put(served, "orders", page())
        await put(served, "help", HELP, valid_transitions=("elsewhere",))
        yield served


async def again(house: House, seen: Tree, capture_id: str, **fields: Any) -> diff_pb.CheckResponse:
    """What the capture service asks first: by the capture's id and signatures, without its tree."""
    request = diff_pb.CheckRequest(
        signatures=encode_signatures(sign(seen)),
        screen_hint="orders",
        capture_id=capture_id,
        request_id=capture_id,
        **fields,
    )
    answer: diff_pb.CheckResponse = await house.diff().Check(request)
    return answer


async def in_the_log(house: House) -> dict[str, str]:
    """The capture of each event."""
    listed = await house.drift().ListEvents(pb.ListEventsRequest())
    return {event.event_id: event.capture_id for event in listed.events}


async def test_the_same_drift_is_an_event_of_each_capture(house: House) -> None:
    drifted = page("Closed")
    assert (await again(house, drifted, "cap_1")).tree_needed
    assert await in_the_log(house) == {}
    house.fake.trees["cap_1"] = drifted
    first = await check(house, drifted, "orders", capture_id="cap_1", request_id="cap_1")
    second = (await again(house, drifted, "cap_2")).verdict
    assert (second.kind, second.log_index) == (DRIFT, first.log_index + 1)
    assert second.fingerprint == first.fingerprint
    assert sentences(second) == sentences(first)
    expected = {first.event_id: "cap_1", second.event_id: "cap_2"}
    assert await in_the_log(house) == expected
    # a retry, with the tree or without it, is the same call
    assert (await again(house, drifted, "cap_2")).verdict == second
    assert await check(house, drifted, "orders", **repeat("cap_2", drifted)) == second
    assert await in_the_log(house) == expected


def repeat(capture_id: str, seen: Tree) -> dict[str, Any]:
    signatures = encode_signatures(sign(seen))
    return {"capture_id": capture_id, "request_id": capture_id, "signatures": signatures}


async def test_without_a_stored_capture_the_tree_is_asked_for(house: House) -> None:
    drifted = page("Closed")
    await check(house, drifted, "orders")
    assert (await again(house, drifted, "")).tree_needed
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    request = diff_pb.CheckRequest(
        signatures=encode_signatures(sign(drifted)), screen_hint="orders", capture_id="cap_9"
    )
    call = stub.Check(request, metadata=house.identity(issuer="gateway"))
    code, _, details = await refused(call)
    assert (code, "capture_id" in str(details)) == (grpc.StatusCode.INVALID_ARGUMENT, True)


async def test_it_is_judged_anew_when_templates_or_decisions_have_changed(house: House) -> None:
    drifted = page("Closed")
    house.fake.trees["cap_1"] = drifted
    first = await check(house, drifted, "orders", capture_id="cap_1")
    snooze = pb.SnoozeEventRequest(
        event_id=first.event_id, scope=SCOPE, reason="later", expire_time=timestamp(NOW + DAY)
    )
    await house.drift().SnoozeEvent(snooze)
    assert (await again(house, drifted, "cap_2")).tree_needed
    both = page("Closed", "Until Monday")
    partly = await check(house, both, "orders", capture_id="cap_3")
    assert partly.decision_ids
    assert sentences(partly) != []
    # a decision had a say, and decisions expire: not remembered
    assert (await again(house, both, "cap_4")).tree_needed
    house.clock.now += DAY
    assert len(sentences(await check(house, both, "orders", capture_id="cap_4"))) > len(
        sentences(partly)
    )
    await put(house, "orders", drifted)
    assert (await again(house, drifted, "cap_5")).tree_needed
    assert (await check(house, drifted, "orders")).kind == UNCHANGED


async def test_each_sessions_path_has_its_own_say(house: House) -> None:
    drifted = page("Closed")
    house.fake.trees["cap_1"] = drifted
    first = await check(house, drifted, "orders", capture_id="cap_1", session_id="a")
    assert first.severity == verdict_pb2.SEVERITY_INFO
    await check(house, HELP, "help", session_id="b")
    second = (await again(house, drifted, "cap_2", session_id="b")).verdict
    found = [finding.code for finding in second.findings if finding.detector == "sequence"]
    assert (found, second.severity) == (["invalid_transition"], verdict_pb2.SEVERITY_WARNING)
    third = (await again(house, drifted, "cap_3", session_id="a")).verdict
    assert (list(third.findings), third.severity) == (list(first.findings), first.severity)


async def test_another_application_is_another_judgement(house: House) -> None:
    drifted = page("Closed")
    house.fake.trees["cap_1"] = drifted
    await check(house, drifted, "orders", capture_id="cap_1", app="shop")
    assert (await again(house, drifted, "cap_2", app="wiki")).tree_needed
    assert (await again(house, drifted, "cap_2", app="shop")).verdict.kind == DRIFT
