"""A tenant stores no more than its quotas say: what is past them is refused, whole, and said so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_pb2, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.errors.v1 import errors_pb2
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero.usage.v1 import usage_service_pb2 as usage_pb
from systemzero_base.internal.quotas import NO_STORAGE_QUOTAS, StorageQuotas
from systemzero_capture.config import CaptureQuotas
from systemzero_wire.fields import timestamp
from tests.integration.platform.test_deletion import of, screen
from tests.support.loops import loop_named
from tests.support.pair import Pair, pair
from tests.support.stores import DAY, NOW

DRIFT, UNCHANGED = verdict_pb2.VERDICT_KIND_DRIFT, verdict_pb2.VERDICT_KIND_UNCHANGED


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Pair]:
    async with pair(tmp_path, quotas=CaptureQuotas(captures=4)) as served:
        yield served


async def over(call: Awaitable[Any]) -> dict[str, str]:
    """What the refusal of a call for want of storage says of the quota."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, failed.value.details()
    status = rpc_status.from_call(failed.value)  # type: ignore[arg-type] # it asks for less
    assert status is not None
    info, failure = error_details_pb2.ErrorInfo(), error_details_pb2.QuotaFailure()
    kinds = [packed.Unpack(info) or packed.Unpack(failure) for packed in status.details]
    assert kinds == [True, True]  # and no RetryInfo: waiting alone does not help
    assert info.reason == "QUOTA_EXCEEDED"
    assert failure.violations[0].subject == "tenant"
    assert info.metadata["quota"] in status.message
    return dict(info.metadata)


async def used(both: Pair, name: str = "capture", tenant: str = "acme") -> dict[str, int]:
    answer = await both.usage(name, tenant).GetUsage(usage_pb.GetUsageRequest())
    return {quota.quota: quota.used for quota in answer.quotas}


async def put(both: Pair, *texts: str, tenant: str = "acme", **fields: Any) -> pb.IngestResponse:
    answer: pb.IngestResponse = await both.captures(tenant).Ingest(of(screen(*texts), **fields))
    return answer


async def learnt(both: Pair, name: str = "account", text: str = "Pay") -> template_pb2.Template:
    source = tree_pb2.TreeSource(native=of(screen(text)).native)
    request = template_pb.LearnTemplateRequest(screen_id=name, captures=[source])
    answer = await both.templates().LearnTemplate(request)
    made: template_pb2.Template = answer.template
    return made


async def test_one_capture_too_many_is_refused_and_leaves_nothing(both: Pair) -> None:
    kept = [await put(both, f"button {n}", request_id=f"r{n}") for n in range(4)]
    before = await used(both)
    for texts in (("new",), ("button 1",)):  # of a form that is new, and of one that is known
        said = await over(put(both, *texts, request_id="one more"))
        assert (said["quota"], said["used"], said["limit"]) == ("captures", "4", "4")
    assert await used(both) == before
    listed = await both.captures().ListCaptures(pb.ListCapturesRequest())
    assert len(listed.captures) == 4
    # a repeat is answered, and others are not concerned
    assert (await put(both, "button 1", request_id="r1")).capture.capture_id == (
        kept[1].capture.capture_id
    )
    await put(both, "new", tenant="rival")
    # what is deleted makes room, and the refused request may be made again
    gone = pb.DeleteCaptureRequest(capture_id=kept[0].capture.capture_id)
    await both.captures().DeleteCapture(gone)
    await put(both, "button 1", request_id="one more")
    await over(put(both, "button 1"))


async def test_bytes_are_held_to_as_they_are_stored(both: Pair) -> None:
    await put(both, "Pay")
    before = await used(both)
    large = [f"{n * n * 7919}" for n in range(3_000)]
    both.quotas = StorageQuotas(stored_bytes=before["stored_bytes"] + 5_000)
    said = await over(put(both, *large))
    assert said["quota"] == "stored_bytes"
    assert said["limit"] == str(before["stored_bytes"] + 5_000)
    assert int(said["needed"]) > int(said["limit"]) > int(said["used"])
    assert await used(both) == before
    while (now := await used(both))["captures"] < 4:
        await put(both, "Pay")  # small ones have room
    both.quotas = StorageQuotas(stored_bytes=now["stored_bytes"], captures=100)
    assert (await over(put(both, "Pay")))["quota"] == "stored_bytes"


async def test_writers_at_once_get_no_more_than_there_is_room_for(both: Pair) -> None:
    done = await asyncio.gather(
        *(put(both, f"button {n % 3}") for n in range(24)), return_exceptions=True
    )
    assert sum(isinstance(each, pb.IngestResponse) for each in done) == 4
    assert (await used(both))["captures"] == 4


async def test_a_tenants_own_quotas_go_before_the_services(both: Pair) -> None:
    both.quotas = StorageQuotas(captures=6)
    for n in range(6):
        await put(both, f"button {n}")
    await over(put(both, "Pay"))
    both.quotas = NO_STORAGE_QUOTAS  # lowered: nothing goes, and nothing is added
    assert (await over(put(both, "Pay")))["limit"] == "4"
    assert (await used(both))["captures"] == 6
    listed = await both.captures().ListCaptures(pb.ListCapturesRequest())
    for capture in listed.captures[:3]:
        gone = pb.DeleteCaptureRequest(capture_id=capture.capture_id)
        await both.captures().DeleteCapture(gone)
    await put(both, "Pay")


async def test_a_stream_goes_on_behind_a_capture_that_has_no_room(both: Pair) -> None:
    both.quotas = StorageQuotas(captures=1)
    requests = [pb.IngestStreamRequest(ingest=of(screen("Pay"))) for _ in range(3)]
    call = both.captures().IngestStream(iter(requests))
    answers = [answer async for answer in call]
    assert [answer.HasField("failure") for answer in answers] == [False, True, True]
    assert answers[1].failure.reason == errors_pb2.ERROR_REASON_QUOTA_EXCEEDED


async def write_what_waits(both: Pair) -> None:
    """Have diff write now what it writes a second after a verdict: a checkpoint, counts."""
    await both.log().GetCheckpoint(log_pb.GetCheckpointRequest())
    await loop_named("diff.counts", both.diff_service.loops).once_more()


async def test_drift_that_has_no_room_fails_and_is_not_lost(both: Pair) -> None:
    await learnt(both)
    both.quotas = StorageQuotas(events=1, captures=100)
    first = await put(both, "Pay", "Buy", check=True)
    assert first.verdict.kind == DRIFT
    await write_what_waits(both)
    before = await used(both, "diff")
    request: dict[str, Any] = {"check": True, "request_id": "again"}
    # not known, and known as drift by its signatures
    for texts, fields in ((("Pay", "Sell"), request), (("Pay", "Buy"), {"check": True})):
        said = await over(put(both, *texts, **fields))
        assert (said["quota"], said["used"], said["limit"]) == ("events", "1", "1")
        # the capture is kept, and not judged
        got = await both.captures().GetCapture(
            pb.GetCaptureRequest(capture_id=said["capture_id"], include_tree=True)
        )
        assert got.capture.HasField("tree")
        assert not got.capture.HasField("verdict")
    assert await used(both, "diff") == before
    events = await both.drift().ListEvents(drift_pb.ListEventsRequest())
    assert [event.event_id for event in events.events] == [first.verdict.event_id]
    entries = await both.log().ListEntries(log_pb.ListEntriesRequest())
    kinds = [entry.kind for entry in entries.entries]
    assert kinds.count("drift.event") == 1
    # what leaves no event is judged as ever
    assert (await put(both, "Pay", check=True)).verdict.kind == UNCHANGED
    # the same request goes on where it ended, once there is room
    both.quotas = StorageQuotas(events=2, captures=100)
    again = await put(both, "Pay", "Sell", **request)
    assert again.verdict.kind == DRIFT
    assert again.verdict.event_id


async def test_templates_are_counted_and_their_versions_are_not(both: Pair) -> None:
    both.quotas = StorageQuotas(templates=1)
    first = await learnt(both)
    await learnt(both)  # the same screen: another version
    said = await over(learnt(both, "other", "Buy"))
    assert (said["quota"], said["used"], said["limit"]) == ("templates", "1", "1")
    listed = await both.templates().ListTemplates(template_pb.ListTemplatesRequest())
    assert [template.screen_id for template in listed.templates] == ["account"]
    gone = template_pb.DeleteTemplateRequest(template_id=first.template_id)
    await both.templates().DeleteTemplate(gone)
    await learnt(both, "other", "Buy")


async def test_whoever_is_past_a_quota_may_delete_and_decide_but_add_nothing(both: Pair) -> None:
    made = await learnt(both)
    drifted = await put(both, "Pay", "Buy", check=True)
    both.quotas = StorageQuotas(templates=1, events=1)  # both are used up
    reject = drift_pb.RejectEventRequest(event_id=drifted.verdict.event_id, reason="no")
    await both.drift().RejectEvent(reject)
    both.quotas = StorageQuotas(stored_bytes=1)  # lowered to less than there is
    snooze = drift_pb.SnoozeEventRequest(
        event_id=drifted.verdict.event_id, reason="later", expire_time=timestamp(NOW + DAY)
    )
    assert (await over(both.drift().SnoozeEvent(snooze)))["quota"] == "stored_bytes"
    gone = template_pb.DeleteTemplateRequest(template_id=made.template_id)
    await both.templates().DeleteTemplate(gone)
    deleted = pb.DeleteCaptureRequest(capture_id=drifted.capture.capture_id)
    await both.captures().DeleteCapture(deleted)
    assert (await used(both, "diff"))["events"] == 0


async def test_usage_is_told_of_the_callers_tenant_alone(both: Pair) -> None:
    await put(both, "Pay")
    both.quotas = StorageQuotas(captures=7)
    answer = await both.usage("capture").GetUsage(usage_pb.GetUsageRequest())
    told = {quota.quota: (quota.used, quota.limit) for quota in answer.quotas}
    assert told["captures"] == (1, 7)
    assert told["stored_bytes"][1] == CaptureQuotas().stored_bytes
    both.quotas = NO_STORAGE_QUOTAS
    answer = await both.usage("capture", "rival").GetUsage(usage_pb.GetUsageRequest())
    assert {q.quota: (q.used, q.limit) for q in answer.quotas}["captures"] == (0, 4)
