"""The diff service behind a real port: who is let in, watches, the summary, the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc

from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import diff_service_pb2_grpc, verdict_pb2
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tree import Tree
from systemzero_wire.fields import timestamp
from tests.support.checks import (
    DRIFT,
    INCONCLUSIVE,
    UNCHANGED,
    UNKNOWN_SCREEN,
    check,
    decide,
    event,
    events,
    ingest,
    learn,
    log_entries,
    source,
)
from tests.support.gateway import refused
from tests.support.screens import CHANGED, ORDER, OTHER
from tests.support.services import House, diff_house
from tests.support.stores import DAY, NOW


async def test_direct_calls_without_an_identity_are_refused(house: House) -> None:
    stub = diff_service_pb2_grpc.DiffServiceStub(house.channel)
    code, reason, _ = await refused(stub.Match(diff_pb.MatchRequest()))
    assert (code, reason) == (grpc.StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")


async def test_watching_resumes_without_loss_or_repeat(house: House) -> None:
    await learn(house, "order", ORDER)
    await check(house, CHANGED)
    watch = house.drift().WatchEvents(drift_pb.WatchEventsRequest())
    assert not (await watch.read()).HasField("event")
    sent = [(await check(house, CHANGED)).event_id for _ in range(5)]
    seen = [await watch.read() for _ in range(2)]
    watch.cancel()
    resumed = house.drift().WatchEvents(drift_pb.WatchEventsRequest(cursor=seen[-1].cursor))
    await resumed.read()
    seen += [await resumed.read() for _ in range(3)]
    resumed.cancel()
    assert [response.event.event_id for response in seen] == sent
    whole = house.drift().WatchEvents(drift_pb.WatchEventsRequest(from_start=True))
    await whole.read()
    ids = [(await whole.read()).event.event_id for _ in range(6)]
    whole.cancel()
    assert ids[1:] == sent
    stolen = drift_pb.WatchEventsRequest(cursor=seen[0].cursor)
    _, _, details = await refused(house.drift("beta").WatchEvents(stolen).read())
    assert details["BadRequest"].field_violations[0].field == "cursor"


async def test_an_event_is_not_watched_as_it_was_before_it_was_erased(house: House) -> None:
    await learn(house, "order", ORDER)
    from_start = drift_pb.WatchEventsRequest(from_start=True)
    live = house.drift().WatchEvents(from_start)
    await live.read()
    await ingest(house, CHANGED)
    told = (await live.read()).event
    await house.drift().EraseCapture(drift_pb.EraseCaptureRequest(capture_id="cap_1"))
    later = house.drift().WatchEvents(from_start)
    await later.read()
    again = (await later.read()).event
    assert again == await event(house, told.event_id)
    assert again != told
    live.cancel()
    later.cancel()


async def test_the_summary_goes_by_days(house: House) -> None:
    await learn(house, "order", ORDER)
    await check(house, ORDER)
    await check(house, CHANGED)
    house.clock.now += DAY
    await check(house, ORDER)
    await check(house, OTHER)
    await check(house, Tree((), ()))
    start = timestamp(NOW - DAY)
    answer = await house.drift().GetSummary(drift_pb.GetSummaryRequest(start_time=start))
    rows = [(day.day, day.verdicts, day.events) for day in answer.days]
    assert rows == [("2024-10-03", 0, 0), ("2024-10-04", 2, 1), ("2024-10-05", 3, 0)]
    assert answer.compliance == 0.5
    assert answer.open_events == 1
    kinds = {count.kind: count.count for count in answer.verdicts}
    assert kinds == {UNCHANGED: 2, DRIFT: 1, UNKNOWN_SCREEN: 1, INCONCLUSIVE: 1}
    other = await house.drift("beta").GetSummary(drift_pb.GetSummaryRequest(start_time=start))
    assert (other.compliance, other.open_events, list(other.verdicts)) == (1.0, 0, [])
    first = timestamp(-62_135_596_800_000_000)
    assert (await house.drift().GetSummary(drift_pb.GetSummaryRequest(end_time=first))).days
    backwards = drift_pb.GetSummaryRequest(start_time=timestamp(NOW + 9 * DAY))
    assert (await refused(house.drift().GetSummary(backwards)))[1] == "INVALID_INPUT"


async def test_another_tenant_sees_and_changes_nothing(house: House) -> None:
    learnt = await learn(house, "order", ORDER)
    event_id = (await ingest(house, CHANGED)).event_id
    templates, drift, diff = house.templates("beta"), house.drift("beta"), house.diff("beta")
    later = timestamp(NOW + DAY)
    change = template_pb.UpdateTemplateRequest(template=learnt)
    change.update_mask.paths.append("metadata")
    by_id = tree_pb2.TreeSource(capture_id="cap_1")
    name = learnt.template_id
    snooze = drift_pb.SnoozeEventRequest(event_id=event_id, reason="x", expire_time=later)
    for call in (
        templates.GetTemplate(template_pb.GetTemplateRequest(template_id=name)),
        templates.ExportTemplate(template_pb.ExportTemplateRequest(template_id="order")),
        templates.UpdateTemplate(change),
        templates.DeleteTemplate(template_pb.DeleteTemplateRequest(template_id=name)),
        templates.LearnTemplate(template_pb.LearnTemplateRequest(screen_id="s", captures=[by_id])),
        drift.GetEvent(drift_pb.GetEventRequest(event_id=event_id)),
        drift.ApproveEvent(drift_pb.ApproveEventRequest(event_id=event_id, reason="x")),
        drift.RejectEvent(drift_pb.RejectEventRequest(event_id=event_id, reason="x")),
        drift.SnoozeEvent(snooze),
        diff.Diff(diff_pb.DiffRequest(a=by_id, b=by_id)),
        diff.Match(diff_pb.MatchRequest(tree=by_id)),
        diff.Check(diff_pb.CheckRequest(tree=by_id)),
    ):
        assert (await refused(call))[:2] == (grpc.StatusCode.NOT_FOUND, "NOT_FOUND")
    assert not (await templates.ListTemplates(template_pb.ListTemplatesRequest())).templates
    assert not (await drift.ListEvents(drift_pb.ListEventsRequest())).events
    request = diff_pb.CheckRequest(tree=source(ORDER))
    assert (await diff.Check(request)).verdict.kind == UNKNOWN_SCREEN
    entries = await house.log("beta").ListEntries(log_pb.ListEntriesRequest())
    assert not entries.entries
    assert (await check(house, ORDER)).kind == UNCHANGED


async def test_a_restart_keeps_events_decisions_templates_and_log(tmp_path: Path) -> None:
    async with diff_house(tmp_path) as house:
        await learn(house, "order", ORDER)
        event_id = (await check(house, CHANGED)).event_id
        await decide(house, "reject", event_id)
        before = (await events(house), len(await log_entries(house)))
    async with diff_house(tmp_path) as house:
        assert (await events(house), len(await log_entries(house))) == before
        assert (await check(house, ORDER)).kind == UNCHANGED
        assert (await check(house, CHANGED)).severity == verdict_pb2.SEVERITY_CRITICAL
        counts = (await house.drift().GetSummary(drift_pb.GetSummaryRequest())).verdicts
        assert {count.kind: count.count for count in counts} == {UNCHANGED: 1, DRIFT: 2}


async def test_the_log_is_read_proved_and_exported(house: House) -> None:
    await learn(house, "order", ORDER)
    verdict = await check(house, CHANGED)
    log = house.log()
    proof = await log.GetInclusionProof(log_pb.GetInclusionProofRequest(index=verdict.log_index))
    assert (proof.index, proof.tree_size) == (1, 2)
    assert (await log.GetConsistencyProof(log_pb.GetConsistencyProofRequest(from_size=1))).hashes
    assert (await log.GetProofBundle(log_pb.GetProofBundleRequest(index=1))).bundle

    async def export(form: Any) -> bytes:
        call = log.ExportEntries(log_pb.ExportEntriesRequest(format=form))
        return b"".join([response.chunk async for response in call])

    assert (await export(log_pb.EXPORT_FORMAT_JSON_LINES)).count(b"\n") == 4
    assert (await export(log_pb.EXPORT_FORMAT_CSV)).count(b"\r\n") == 3
    assert (await export(log_pb.EXPORT_FORMAT_HTML)).count(b"<tr>") == 3
    code, _, _ = await refused(export(99))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    bad = log_pb.GetInclusionProofRequest(index=-1)
    assert (await refused(log.GetInclusionProof(bad)))[1] == "INVALID_INPUT"


async def test_diff_and_match_store_nothing(house: House) -> None:
    await learn(house, "order", ORDER)
    size = len(await log_entries(house))
    compared = await house.diff().Diff(diff_pb.DiffRequest(a=source(ORDER), b=source(CHANGED)))
    assert not compared.comparison.equal
    assert compared.comparison.structure_equal
    assert [change.field for edit in compared.script.edits for change in edit.changes] == ["name"]
    matched = await house.diff().Match(diff_pb.MatchRequest(tree=source(CHANGED)))
    assert matched.matched
    assert matched.matches[0].screen_id == "order"
    wrong = diff_pb.MatchRequest(tree=source(ORDER), max_results=101)
    assert (await refused(house.diff().Match(wrong)))[1] == "INVALID_INPUT"
    assert (await events(house), len(await log_entries(house))) == ([], size)
