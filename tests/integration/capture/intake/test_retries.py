"""Retries of a capture under its request id: one capture and the first answer, whatever happens."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import verdict_pb2
from systemzero_capture.kept.settings import KeepingSettings
from systemzero_core.errors import Unavailable
from systemzero_core.tree import Tree
from systemzero_wire.trees import encode_tree
from tests.support.gateway import refused
from tests.support.patience import UNHURRIED
from tests.support.services import House, capture_house
from tests.support.stores import document, known, tree

UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT
AWAY = Unavailable("away")


def of(content: Tree, **fields: Any) -> pb.IngestRequest:
    """A request with the tree's own JSON as its native document."""
    return pb.IngestRequest(native=document(content), **fields)


def by_message(content: Tree, **fields: Any) -> pb.IngestRequest:
    return pb.IngestRequest(tree=encode_tree(content), **fields)


def by_digest(content: Tree, **fields: Any) -> pb.IngestRequest:
    names = [node.name for node in content.nodes[1:]]
    return pb.IngestRequest(full_digest=known(*names).signatures.full, **fields)


WAYS: Final[dict[str, Callable[..., pb.IngestRequest]]] = {
    "native": of,
    "tree": by_message,
    "digest": by_digest,
}


def listed(tenant: Any) -> Any:
    return tenant.ListCaptures(pb.ListCapturesRequest())


async def erase_all(captures: Any) -> None:
    for capture in (await listed(captures)).captures:
        await captures.DeleteCapture(pb.DeleteCaptureRequest(capture_id=capture.capture_id))


async def answered(captures: Any, request: pb.IngestRequest) -> Any:
    """The answer; a status where the call fails, None where the body is asked for."""
    try:
        answer = await captures.Ingest(request)
    except grpc.aio.AioRpcError as error:
        return error.code()
    return None if answer.body_needed else answer


def taken(how: str) -> float:
    return REGISTRY.get_sample_value("systemzero_captures_total", {"taken": how}) or 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["unchanged", "drifted"])
async def test_a_retry_gets_the_same_answer_and_counts_as_one(
    house: House, way: str, name: str
) -> None:
    captures = house.captures()
    house.fake.unchanged.add(known("unchanged").signatures.full)
    await captures.Ingest(of(tree(name)))
    request = WAYS[way](tree(name), request_id="one", check=True)
    first, before = await captures.Ingest(request), taken("request")
    assert first.verdict.kind == (UNCHANGED if name == "unchanged" else DRIFT)
    assert await captures.Ingest(request) == first
    assert taken("request") == before + 1
    assert len((await listed(captures)).captures) == 2


@pytest.mark.parametrize("way", WAYS)
async def test_a_reused_request_id_conflicts_however_the_other_came(house: House, way: str) -> None:
    captures = house.captures()
    for name in ("Buy", "Sell"):
        await captures.Ingest(of(tree(name)))
    await captures.Ingest(of(tree("Buy"), request_id="one", check=True))
    for fields in ({"check": True}, {"check": True, "session_id": "s"}, {}):
        request = WAYS[way](tree("Sell"), request_id="one", **fields)
        code, reason, _ = await refused(captures.Ingest(request))
        assert (code, reason) == (grpc.StatusCode.ABORTED, "CONFLICT")
    assert len((await listed(captures)).captures) == 3


@pytest.mark.parametrize("way", WAYS)
async def test_what_was_stored_but_not_judged_is_judged_by_the_retry(
    house: House, way: str
) -> None:
    captures = house.captures()
    await captures.Ingest(of(tree("Sell")))
    request = WAYS[way](tree("Sell"), request_id="one", check=True, app="shop")
    house.fake.error_of_stored = AWAY
    assert (await refused(captures.Ingest(request)))[0] is grpc.StatusCode.UNAVAILABLE
    house.fake.error_of_stored = None
    answer = await captures.Ingest(request)
    newest, _ = (await listed(captures)).captures
    assert newest == answer.capture
    assert answer.verdict.event_id == f"evt_of_{newest.capture_id}"
    assert house.fake.requests[-1].app == "shop"


async def test_the_retry_is_judged_with_what_the_first_try_kept(tmp_path: Path) -> None:
    request = of(tree("Sell"), request_id="one", check=True)
    async with capture_house(tmp_path, originals=KeepingSettings(native="always")) as house:
        house.fake.error_of_stored = AWAY
        await refused(house.captures().Ingest(request))
        first = house.fake.requests[-1]
        assert first.native_sha256
        first.ClearField("document")  # it is not in hand any more
    async with capture_house(tmp_path) as house:  # which keeps nothing
        answer = await house.captures().Ingest(request)
        assert answer.verdict.kind == DRIFT
        assert house.fake.requests[0] == first


@pytest.mark.parametrize("way", WAYS)
async def test_a_retry_needs_no_diff_service(house: House, way: str) -> None:
    captures = house.captures()
    await captures.Ingest(of(tree("Buy")))
    request = WAYS[way](tree("Buy"), request_id="one", check=True)
    first = await captures.Ingest(request)
    house.fake.error = AWAY
    assert await captures.Ingest(request) == first


@pytest.mark.parametrize("way", WAYS)
async def test_a_retry_is_no_step_of_its_session(house: House, way: str) -> None:
    captures = house.captures()
    await captures.Ingest(of(tree("Buy")))
    request = WAYS[way](tree("Buy"), request_id="one", check=True, session_id="s")
    first, asked = await captures.Ingest(request), len(house.fake.requests)
    assert await captures.Ingest(request) == first
    assert len(house.fake.requests) == asked


async def test_a_repeat_answers_as_the_first_call_did_whatever_happened_since(
    house: House,
) -> None:
    captures = house.captures()
    house.fake.unchanged.add(known("Buy").signatures.full)
    await captures.Ingest(of(tree("Buy")))
    digest = known("Buy").signatures.full
    requests = [
        of(tree("Buy"), request_id="native", check=True),
        pb.IngestRequest(tree=encode_tree(tree("Buy")), request_id="tree", check=True),
        pb.IngestRequest(full_digest=digest, request_id="digest", check=True),
    ]
    firsts = [await captures.Ingest(request) for request in requests]
    for capture in (await listed(captures)).captures:
        await captures.DeleteCapture(pb.DeleteCaptureRequest(capture_id=capture.capture_id))
    house.fake.unchanged.clear()
    for request, first in zip(requests, firsts, strict=True):
        again = await captures.Ingest(request)
        assert again.verdict.kind == first.verdict.kind  # its texts were erased
        assert again.capture.capture_id == first.capture.capture_id
        assert not again.body_needed


async def test_a_request_id_used_for_something_else_conflicts(house: House) -> None:
    captures = house.captures()
    await captures.Ingest(of(tree("Buy"), request_id="one"))
    for other in (of(tree("Sell"), request_id="one"), of(tree("Buy"), request_id="one", app="x")):
        code, reason, _ = await refused(captures.Ingest(other))
        assert (code, reason) == (grpc.StatusCode.ABORTED, "CONFLICT")
    assert len((await listed(captures)).captures) == 1


async def test_without_the_diff_service_the_capture_is_kept_and_judged_later(
    house: House,
) -> None:
    captures = house.captures()
    request = of(tree("Buy"), request_id="one", check=True)
    house.fake.error = Unavailable("away")
    code, reason, _ = await refused(captures.Ingest(request))
    assert (code, reason) == (grpc.StatusCode.UNAVAILABLE, "UNAVAILABLE")
    house.fake.error = None
    answer = await captures.Ingest(request)
    assert answer.verdict.kind == DRIFT
    assert len((await listed(captures)).captures) == 1


async def test_concurrent_repeats_are_one_capture_and_one_verdict(house: House) -> None:
    request = of(tree("Buy"), request_id="one", check=True)
    answers = await asyncio.gather(*(house.captures().Ingest(request) for _ in range(12)))
    assert len({answer.SerializeToString() for answer in answers}) == 1
    assert len((await listed(house.captures())).captures) == 1


class Model:
    """What a tenant's captures must be, whatever is asked in whatever order.

    Attributes:
        unchanged: the screen that has not drifted.
        kept: screens whose tree is stored.
        firsts: what each request id made: the call, and its capture's number.
        verdicts: each capture's verdict, 0 before it is judged.
        erased: numbers of captures that were erased.
    """

    unchanged = "Buy"

    def __init__(self) -> None:
        self.kept: set[str] = set()
        self.firsts: dict[str, tuple[tuple[str, ...], int]] = {}
        self.verdicts: list[int] = []
        self.erased: set[int] = set()

    def erase(self) -> None:
        """Erase every capture."""
        self.kept.clear()
        self.erased = set(range(len(self.verdicts)))

    def ingest(self, request_id: str, call: tuple[str, ...], diff: str) -> set[object]:
        """The answers that are right: statuses, or the capture's number; None asks for the body."""
        name, way, _ = call
        if request_id in self.firsts:
            first, number = self.firsts[request_id]
            if first != call:
                return {grpc.StatusCode.ABORTED}
            return {self._judged(number, name, diff)}
        if way == "digest" and name not in self.kept:
            return {None} if diff != "away" else {None, grpc.StatusCode.UNAVAILABLE}
        if diff == "away":
            return {grpc.StatusCode.UNAVAILABLE}
        number = len(self.verdicts)
        self.kept.add(name)
        self.verdicts.append(UNCHANGED if name == self.unchanged else 0)
        if request_id:
            self.firsts[request_id] = (call, number)
        return {self._judged(number, name, diff)}

    def _judged(self, number: int, name: str, diff: str) -> object:
        if not self.verdicts[number]:
            if diff != "up":
                return grpc.StatusCode.UNAVAILABLE
            if number in self.erased:
                return grpc.StatusCode.FAILED_PRECONDITION
            self.verdicts[number] = DRIFT
        return number


CALLS = st.tuples(
    st.sampled_from(["", "one", "two"]),
    st.tuples(st.sampled_from(["Buy", "Sell"]), st.sampled_from(list(WAYS)), st.sampled_from("-s")),
)
STEPS = st.one_of(CALLS, CALLS, CALLS, st.sampled_from(["erase", "up", "up", "half", "away"]))
_TENANTS = itertools.count()


@pytest.fixture
async def forgetful(tmp_path: Path) -> AsyncIterator[House]:
    """A house that remembers hardly anything, so that every way to know a capture is taken."""
    async with capture_house(tmp_path, known_captures=2) as served:
        served.fake.unchanged.add(known(Model.unchanged).signatures.full)
        yield served


@settings(max_examples=60, suppress_health_check=UNHURRIED)
@given(steps=st.lists(STEPS, max_size=14))
async def test_every_order_of_calls_failures_and_erasures_is_answered_as_by_the_model(
    forgetful: House, steps: list[Any]
) -> None:
    captures, fake = forgetful.captures(f"t{next(_TENANTS)}"), forgetful.fake
    model, diff, ids = Model(), "up", dict[int, str]()
    for step in steps:
        fake.error = AWAY if diff == "away" else None
        fake.error_of_stored = AWAY if diff == "half" else None
        if step == "erase":
            await erase_all(captures)
            model.erase()
        elif isinstance(step, str):
            diff = step
        else:
            request_id, (name, way, session) = step
            said = {"request_id": request_id, "session_id": session.strip("-"), "check": True}
            wanted = model.ingest(request_id, step[1], diff)
            answer = await answered(captures, WAYS[way](tree(name), **said))
            number = next((n for n in wanted if isinstance(n, int)), None)
            if number is None:
                assert answer in wanted
                continue
            assert answer.capture.capture_id == ids.setdefault(number, answer.capture.capture_id)
            assert answer.verdict.kind == model.verdicts[number]
    stored = {capture.capture_id for capture in (await listed(captures)).captures}
    assert len(stored) == len(model.verdicts)
    assert stored >= set(ids.values())
    assert len(set(ids.values())) == len(ids)
