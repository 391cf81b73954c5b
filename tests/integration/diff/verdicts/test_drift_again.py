"""Drift that was judged before: recorded anew for each capture, without its tree."""

from __future__ import annotations

from typing import Any

import grpc
import pytest

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import diff_service_pb2_grpc, verdict_pb2
from systemzero.diff.v1 import drift_service_pb2 as pb
from systemzero.diff.v1 import judgement_service_pb2 as judgement_pb
from systemzero_core.signature import sign
from systemzero_core.tree import Tree
from systemzero_wire.trees import encode_signatures
from tests.support.checks import (
    DRIFT,
    UNCHANGED,
    check,
    check_signatures,
    decide,
    events,
    ingest,
    judge,
    put,
    sentences,
    verdict_of,
)
from tests.support.gateway import refused
from tests.support.services import House
from tests.support.stores import DAY
from tests.support.trees import item, tree

HELP = tree(item("dialog", "Help", item("paragraph", "Ask us")))


def page(*more: str) -> Tree:
    return tree(
        item("heading", "Orders", attributes=(("level", "1"),)),
        *(item("link", f"Order {number}") for number in range(6)),
        *(item("text", text) for text in more),
    )


@pytest.fixture
async def house(house: House) -> House:
    await put(house, "orders", page())
    await put(house, "help", HELP, valid_transitions=("elsewhere",))
    return house


async def again(
    house: House, seen: Tree, capture_id: str, **fields: Any
) -> verdict_pb2.Verdict | None:
    """What the capture service is told without the tree; None where that is needed."""
    request = judgement_pb.JudgeCaptureRequest(
        capture_id=capture_id,
        signatures=encode_signatures(sign(seen)),
        screen_hint="orders",
        **fields,
    )
    answer = await house.judgements().JudgeCapture(request)
    assert not answer.HasField("verdict")  # nothing is recorded of what is not stored
    if answer.tree_needed:
        return None
    request.stored = True
    return verdict_of(await house.judgements().JudgeCapture(request))


async def in_the_log(house: House) -> dict[str, str]:
    """The capture of each event."""
    return {event.event_id: event.capture_id for event in await events(house)}


async def test_the_same_drift_is_an_event_of_each_capture(house: House) -> None:
    drifted = page("Closed")
    assert await again(house, drifted, "cap_1") is None
    assert await in_the_log(house) == {}
    first = await ingest(house, drifted, "orders")
    second = await again(house, drifted, "cap_2")
    assert second is not None
    assert (second.kind, second.log_index) == (DRIFT, first.log_index + 1)
    assert second.fingerprint == first.fingerprint
    assert sentences(second) == sentences(first)
    expected = {first.event_id: "cap_1", second.event_id: "cap_2"}
    assert await in_the_log(house) == expected
    # a retry, with the tree or without it, is the same call
    assert await again(house, drifted, "cap_2") == second
    assert await judge(house, drifted, "orders", "cap_2") == second
    assert await in_the_log(house) == expected
    # who has lost it is told it again, also when it would be another one by now
    await put(house, "orders", drifted)
    asked = judgement_pb.GetVerdictsRequest(capture_ids=["cap_2", "cap_of_nobody"])
    (told,) = (await house.judgements().GetVerdicts(asked)).verdicts
    assert (told.capture_id, told.event_id) == ("cap_2", second.event_id)


async def test_without_a_stored_capture_the_tree_is_asked_for(house: House) -> None:
    drifted = page("Closed")
    await check(house, drifted, "orders")
    assert (await check_signatures(house, drifted, screen_hint="orders")).tree_needed
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    request = diff_pb.CheckRequest(
        signatures=encode_signatures(sign(drifted)), screen_hint="orders", capture_id="cap_9"
    )
    call = stub.Check(request, metadata=house.identity(issuer="gateway"))
    code, _, details = await refused(call)
    assert (code, "capture_id" in str(details)) == (grpc.StatusCode.INVALID_ARGUMENT, True)


async def test_it_is_judged_anew_when_templates_or_decisions_have_changed(house: House) -> None:
    drifted = page("Closed")
    first = await ingest(house, drifted, "orders")
    await decide(house, "snooze", first.event_id, scope=pb.DECISION_SCOPE_SCREEN)
    assert await again(house, drifted, "cap_2") is None
    both = page("Closed", "Until Monday")
    partly = await judge(house, both, "orders", "cap_3")
    assert partly.decision_ids
    assert sentences(partly) != []
    # a decision had a say, and decisions expire: not remembered
    assert await again(house, both, "cap_4") is None
    house.clock.now += DAY
    assert len(sentences(await judge(house, both, "orders", "cap_4"))) > len(sentences(partly))
    await put(house, "orders", drifted)
    assert await again(house, drifted, "cap_5") is None
    assert (await check(house, drifted, "orders")).kind == UNCHANGED


async def test_each_sessions_path_has_its_own_say(house: House) -> None:
    drifted = page("Closed")
    first = await ingest(house, drifted, "orders", session_id="a")
    assert first.severity == verdict_pb2.SEVERITY_INFO
    await check(house, HELP, "help", session_id="b")
    second = await again(house, drifted, "cap_2", session_id="b")
    assert second is not None
    found = [finding.code for finding in second.findings if finding.detector == "sequence"]
    assert (found, second.severity) == (["invalid_transition"], verdict_pb2.SEVERITY_WARNING)
    third = await again(house, drifted, "cap_3", session_id="a")
    assert third is not None
    assert (list(third.findings), third.severity) == (list(first.findings), first.severity)


async def test_another_application_is_another_judgement(house: House) -> None:
    drifted = page("Closed")
    await ingest(house, drifted, "orders", app="shop")
    assert await again(house, drifted, "cap_2", app="wiki") is None
    judged = await again(house, drifted, "cap_2", app="shop")
    assert judged is not None
    assert judged.kind == DRIFT
