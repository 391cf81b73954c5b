"""The main job: captures in, template learnt, verdicts out, evidence that holds."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import diff_service_pb2 as diff_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import edit_script_pb2, template_pb2, verdict_pb2
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.gateway.v1 import status_service_pb2
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.intake import take_in
from systemzero_core.tlog import (
    VerifierKey,
    hash_leaf,
    verify_bundle,
    verify_checkpoint,
    verify_consistency,
    verify_export,
    verify_inclusion,
)
from tests.support.captures import capture
from tests.support.platform import Platform, Services
from tests.support.stores import document

OLD, NEW = "4.15.5", "5.31.0"
UNCHANGED = verdict_pb2.VERDICT_KIND_UNCHANGED
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT


def native(state: str, version: str = OLD, app: str = "parcel-console") -> tree_pb2.NativeCapture:
    recorded = capture(app, version, state)
    return tree_pb2.NativeCapture(data=recorded.ax, dom=recorded.dom, frames=recorded.frames)


def ingest(
    services: Services, document: tree_pb2.NativeCapture, *, app: str = "", **fields: object
) -> capture_pb.IngestResponse:
    request = capture_pb.IngestRequest(native=document, check=True, app=app, **fields)  # type: ignore[arg-type]
    answer: capture_pb.IngestResponse = services.capture.Ingest(request)
    return answer


@pytest.fixture
def screen(services: Services) -> Iterator[str]:
    """The console of the old release, learnt from two good captures, under a name of its own."""
    name = f"console-{uuid.uuid4().hex[:8]}"
    ids = [
        services.capture.Ingest(capture_pb.IngestRequest(native=native(state))).capture.capture_id
        for state in ("1-console", "1-console-again")
    ]
    sources = [tree_pb2.TreeSource(capture_id=i) for i in ids]
    request = template_pb.LearnTemplateRequest(screen_id=name, app="console", captures=sources)
    template = services.template.LearnTemplate(request).template
    assert (template.version, list(template.capture_ids)) == (1, ids)
    yield name
    deletion = template_pb.DeleteTemplateRequest(template_id=template.template_id)
    services.template.DeleteTemplate(deletion)


def test_a_reload_is_unchanged_and_leaves_no_event(services: Services, screen: str) -> None:
    verdict = ingest(services, native("1-console-reload"), screen_hint=screen).verdict
    assert verdict.kind == UNCHANGED
    assert verdict.match.screen_id == screen
    assert not verdict.event_id
    assert not verdict.script.edits


def test_a_later_release_is_drift_in_readable_sentences(services: Services, screen: str) -> None:
    verdict = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    assert verdict.kind == DRIFT
    assert verdict.severity >= verdict_pb2.SEVERITY_WARNING
    sentences = [edit.sentence for edit in verdict.script.edits]
    assert any("“Parcel Desk 2.8.1 OAS 3.0”" in sentence for sentence in sentences)
    assert all(
        edit.path or edit.kind == edit_script_pb2.EDIT_KIND_INSERT for edit in verdict.script.edits
    )
    found = services.drift.GetEvent(drift_pb.GetEventRequest(event_id=verdict.event_id)).event
    assert found.state == drift_pb.EVENT_STATE_OPEN
    assert found.verdict == verdict


def test_an_unrelated_screen_is_unknown(services: Services, screen: str) -> None:
    verdict = ingest(services, native("1-login", "4.2.16", "stock-admin")).verdict
    assert verdict.kind == verdict_pb2.VERDICT_KIND_UNKNOWN_SCREEN
    assert verdict.explanation.startswith("no template ")
    assert not verdict.event_id


@pytest.mark.parametrize("state", ["1-console-loading", "portal-waiting"])
def test_an_incomplete_capture_is_inconclusive(services: Services, screen: str, state: str) -> None:
    answer = ingest(services, native(state), screen_hint=screen)
    assert answer.verdict.kind == verdict_pb2.VERDICT_KIND_INCONCLUSIVE
    assert answer.capture.incompleteness
    assert answer.capture.incompleteness[0].detail in answer.verdict.explanation
    assert not answer.verdict.event_id


def test_a_document_that_is_cut_off_is_inconclusive(services: Services, screen: str) -> None:
    whole = capture("parcel-console", OLD, "1-console").ax
    document = tree_pb2.NativeCapture(data=whole[: len(whole) // 2])
    answer = ingest(services, document, screen_hint=screen)
    reasons = [i.reason for i in answer.capture.incompleteness]
    assert tree_pb2.INCOMPLETENESS_REASON_TRUNCATED in reasons
    assert answer.verdict.kind == verdict_pb2.VERDICT_KIND_INCONCLUSIVE


def test_malformed_input_names_the_place_and_stores_nothing(services: Services) -> None:
    def newest() -> str:
        page = services.capture.ListCaptures(capture_pb.ListCapturesRequest(page_size=1))
        return page.captures[0].capture_id if page.captures else ""

    before = newest()
    loop = b'{"nodes":[{"nodeId":"1","childIds":["2"]},{"nodeId":"2","childIds":["1"]}]}'
    document = tree_pb2.NativeCapture(data=loop, format=tree_pb2.FORMAT_CDP)
    with pytest.raises(grpc.RpcError) as caught:
        ingest(services, document)
    status = rpc_status.from_call(caught.value)  # type: ignore[arg-type]
    info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert status.details[0].Unpack(info)
    assert info.reason == "MALFORMED_TREE"
    assert status.details[1].Unpack(bad)
    assert bad.field_violations[0].field
    assert newest() == before


def test_the_log_proves_the_event_offline(services: Services, screen: str) -> None:
    old = services.log.GetCheckpoint(log_pb.GetCheckpointRequest())
    verdict = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    new = services.log.GetCheckpoint(log_pb.GetCheckpointRequest())
    key = VerifierKey.parse(new.verifier_key)
    before, after = verify_checkpoint(old.note, [key]), verify_checkpoint(new.note, [key])
    assert after.size > before.size

    request = log_pb.GetInclusionProofRequest(index=verdict.log_index, tree_size=after.size)
    proof = services.log.GetInclusionProof(request)
    entry = services.log.ListEntries(
        log_pb.ListEntriesRequest(start=verdict.log_index, page_size=1)
    ).entries[0]
    assert verdict.event_id.encode() in entry.body
    leaf = hash_leaf(entry.leaf)
    verify_inclusion(leaf, verdict.log_index, after.size, list(proof.hashes), after.root)

    extension = services.log.GetConsistencyProof(
        log_pb.GetConsistencyProofRequest(from_size=before.size, to_size=after.size)
    )
    hashes = list(extension.hashes)
    verify_consistency(before.size, before.root, after.size, after.root, hashes)

    bundle = services.log.GetProofBundle(
        log_pb.GetProofBundleRequest(index=verdict.log_index, pinned_size=before.size)
    ).bundle
    verified = verify_bundle(bundle, [key])
    assert verified.entry.index == verdict.log_index
    assert verified.extends is not None
    assert verified.extends.size == before.size


def test_the_export_verifies_and_other_formats_are_for_people(
    services: Services, screen: str
) -> None:
    ingest(services, native("1-console", NEW), screen_hint=screen)
    key = services.log.GetCheckpoint(log_pb.GetCheckpointRequest()).verifier_key

    def export(form: log_pb.ExportFormat.ValueType) -> bytes:
        request = log_pb.ExportEntriesRequest(format=form)
        return b"".join(response.chunk for response in services.log.ExportEntries(request))

    lines = export(log_pb.EXPORT_FORMAT_JSON_LINES).splitlines(keepends=True)
    report = verify_export(lines, vkeys=[VerifierKey.parse(key)])
    assert report.checkpoint.size == len(lines) - 2
    assert export(log_pb.EXPORT_FORMAT_CSV).count(b"\r\n") == report.checkpoint.size + 1
    assert export(log_pb.EXPORT_FORMAT_HTML).count(b"<tr>") == report.checkpoint.size + 1


def test_an_approval_is_never_asked_for_again(services: Services, screen: str) -> None:
    verdict = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    request = drift_pb.ApproveEventRequest(
        request_id=uuid.uuid4().hex, event_id=verdict.event_id, reason="release 5 is wanted"
    )
    approval = services.drift.ApproveEvent(request)
    assert approval.event.state == drift_pb.EVENT_STATE_APPROVED
    assert approval.event.decision.reason == "release 5 is wanted"
    assert approval.template.version == 2
    assert services.drift.ApproveEvent(request) == approval
    again = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    assert again.kind == UNCHANGED


def test_a_snooze_keeps_quiet_and_a_rejection_does_not(services: Services, screen: str) -> None:
    verdict = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    request = drift_pb.SnoozeEventRequest(event_id=verdict.event_id, reason="on Monday")
    request.expire_time.FromJsonString("2999-01-01T00:00:00Z")
    snoozed = services.drift.SnoozeEvent(request).event
    assert snoozed.state == drift_pb.EVENT_STATE_SNOOZED
    quiet = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    assert (quiet.kind, quiet.event_id) == (UNCHANGED, "")
    assert list(quiet.decision_ids) == [snoozed.decision.decision_id]
    rejection = drift_pb.RejectEventRequest(event_id=verdict.event_id, reason="it is a fault")
    assert services.drift.RejectEvent(rejection).event.state == drift_pb.EVENT_STATE_REJECTED
    loud = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    assert loud.kind == DRIFT
    assert loud.severity == verdict_pb2.SEVERITY_CRITICAL


def test_a_request_id_makes_a_retry_safe(services: Services, screen: str) -> None:
    fields = {"request_id": uuid.uuid4().hex, "screen_hint": screen}
    first = ingest(services, native("1-console", NEW), **fields)
    with ThreadPoolExecutor(4) as pool:
        repeats = list(
            pool.map(lambda _: ingest(services, native("1-console", NEW), **fields), range(8))
        )
    assert all(repeat == first for repeat in repeats)
    with pytest.raises(grpc.RpcError) as caught:
        ingest(services, native("1-console"), **fields)
    assert caught.value.code() is grpc.StatusCode.ABORTED


def test_a_digest_alone_stands_for_a_tree_seen_before(services: Services, screen: str) -> None:
    recorded = capture("parcel-console", OLD, "1-console-reload")
    intake = take_in(recorded.ax, dom=recorded.dom)
    unknown = capture_pb.IngestRequest(full_digest=b"\1" * 32, check=True)
    assert services.capture.Ingest(unknown).body_needed
    body = document(intake.tree)
    whole = ingest(services, body, screen_hint=screen)
    assert whole.capture.signatures.full == intake.signatures.full
    request = capture_pb.IngestRequest(
        full_digest=intake.signatures.full, check=True, screen_hint=screen
    )
    assert request.ByteSize() < 100
    sighting = services.capture.Ingest(request)
    assert sighting.capture.claimed_by_digest
    assert sighting.capture.capture_id != whole.capture.capture_id
    assert sighting.verdict.kind == UNCHANGED


def test_a_stream_answers_each_capture_in_order(services: Services, screen: str) -> None:
    documents = [native("1-console"), native("1-console", NEW), tree_pb2.NativeCapture(data=b"{")]

    def requests() -> Iterator[capture_pb.IngestStreamRequest]:
        for each in itertools.islice(itertools.cycle(documents), 60):
            yield capture_pb.IngestStreamRequest(ingest=capture_pb.IngestRequest(native=each))

    answers = list(services.capture.IngestStream(requests()))
    assert [answer.index for answer in answers] == list(range(60))
    digests = {answer.ingest.capture.signatures.full for answer in answers[0::3]}
    assert len(digests) == 1
    for answer in answers[2::3]:
        reasons = [i.reason for i in answer.ingest.capture.incompleteness]
        assert tree_pb2.INCOMPLETENESS_REASON_TRUNCATED in reasons


def test_watching_resumes_without_loss_or_repeat(services: Services, screen: str) -> None:
    watch = services.drift.WatchEvents(drift_pb.WatchEventsRequest())
    cursor = next(watch).cursor
    first = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    seen = next(watch)
    while seen.event.event_id != first.event_id:
        seen = next(watch)
    watch.cancel()
    second = ingest(services, native("1-console", NEW), screen_hint=screen).verdict
    resumed = services.drift.WatchEvents(drift_pb.WatchEventsRequest(cursor=seen.cursor))
    following = next(response for response in resumed if response.event.event_id)
    assert following.event.event_id == second.event_id
    resumed.cancel()
    from_before = services.drift.WatchEvents(drift_pb.WatchEventsRequest(cursor=cursor))
    ids = [r.event.event_id for r in itertools.islice(from_before, 3)]
    assert ids[-2:] == [first.event_id, second.event_id]
    from_before.cancel()


def test_pages_and_filters(services: Services, screen: str) -> None:
    for _ in range(3):
        ingest(services, native("1-console"), app=f"app of {screen}")
    request = capture_pb.ListCapturesRequest(page_size=2, app=f"app of {screen}")
    page = services.capture.ListCaptures(request)
    assert len(page.captures) == 2
    request.page_token = page.next_page_token
    last = services.capture.ListCaptures(request)
    assert (len(last.captures), last.next_page_token) == (1, "")
    request.page_token = page.next_page_token[:-2] + "AA"
    with pytest.raises(grpc.RpcError) as caught:
        services.capture.ListCaptures(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_deleting_a_capture_erases_the_body_and_keeps_the_evidence(
    services: Services, screen: str
) -> None:
    answer = ingest(services, native("2-operation", NEW), screen_hint=screen)
    capture_id = answer.capture.capture_id
    wanted = capture_pb.GetCaptureRequest(capture_id=capture_id, include_tree=True)
    assert len(services.capture.GetCapture(wanted).capture.tree.nodes) == answer.capture.node_count
    erased = services.capture.DeleteCapture(
        capture_pb.DeleteCaptureRequest(capture_id=capture_id)
    ).capture
    assert erased.HasField("erase_time")
    assert erased.signatures == answer.capture.signatures
    with pytest.raises(grpc.RpcError) as caught:
        services.capture.GetCapture(wanted)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    if answer.verdict.log_index >= 0:
        proof = log_pb.GetProofBundleRequest(index=answer.verdict.log_index)
        assert services.log.GetProofBundle(proof).bundle


def test_diff_of_two_captures_needs_no_template(services: Services) -> None:
    request = diff_pb.DiffRequest(
        a=tree_pb2.TreeSource(native=native("1-console")),
        b=tree_pb2.TreeSource(native=native("1-console-later")),
    )
    answer = services.diff.Diff(request)
    assert answer.comparison.structure_equal
    assert not answer.comparison.content_equal
    assert len(answer.script.edits) == 2
    same = diff_pb.DiffRequest(a=request.a, b=request.a)
    assert services.diff.Diff(same).comparison.equal


def test_templates_are_versions_that_keep_their_policy(services: Services, screen: str) -> None:
    template = services.template.GetTemplate(
        template_pb.GetTemplateRequest(template_id=screen)
    ).template
    rule = template_pb2.PolicyRule(
        select=template_pb2.NodeSelector(role="text"), level=template_pb2.MATCH_LEVEL_IGNORE
    )
    change = template_pb.UpdateTemplateRequest()
    change.template.template_id = template.template_id
    change.template.etag = template.etag
    change.template.policy.rules.append(rule)
    change.update_mask.paths.append("policy")
    updated = services.template.UpdateTemplate(change).template
    assert updated.version == 2
    with pytest.raises(grpc.RpcError) as caught:
        services.template.UpdateTemplate(change)
    assert caught.value.code() is grpc.StatusCode.ABORTED
    later = ingest(services, native("1-console-later"), screen_hint=screen).verdict
    assert later.kind == UNCHANGED
    yaml = services.template.ExportTemplate(
        template_pb.ExportTemplateRequest(template_id=screen)
    ).yaml
    imported = services.template.ImportTemplate(
        template_pb.ImportTemplateRequest(yaml=yaml)
    ).template
    assert imported.version == 3
    assert imported.policy == updated.policy
    wrong = template_pb.ValidateTemplateRequest(yaml=b"screen_id: x\nunknown: 1\n")
    assert services.template.ValidateTemplate(wrong).violations


def test_a_viewer_reads_and_does_not_write(viewer: Services, screen: str) -> None:
    assert viewer.template.GetTemplate(template_pb.GetTemplateRequest(template_id=screen))
    with pytest.raises(grpc.RpcError) as caught:
        ingest(viewer, native("1-console"))
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


def test_without_a_key_nothing_but_health_and_reflection_answers(platform: Platform) -> None:
    with platform.services("") as nobody, pytest.raises(grpc.RpcError) as caught:
        nobody.capture.ListCaptures(capture_pb.ListCapturesRequest())
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_the_summary_counts(services: Services, screen: str) -> None:
    def summary() -> drift_pb.GetSummaryResponse:
        answer: drift_pb.GetSummaryResponse
        answer = services.drift.GetSummary(drift_pb.GetSummaryRequest())
        return answer

    before = {count.kind: count.count for count in summary().verdicts}
    ingest(services, native("1-console-reload"), screen_hint=screen)
    after = summary()
    counted = {count.kind: count.count for count in after.verdicts}
    assert counted[UNCHANGED] == before.get(UNCHANGED, 0) + 1
    assert 0 <= after.compliance <= 1
    assert len(after.days) == 31


def test_learning_again_refines_and_loses_no_policy(services: Services, screen: str) -> None:
    first = services.template.GetTemplate(template_pb.GetTemplateRequest(template_id=screen))
    change = template_pb.UpdateTemplateRequest()
    change.template.template_id = first.template.template_id
    change.template.policy.rules.add(
        why="mine", level=template_pb2.MATCH_LEVEL_LAYOUT
    ).select.role = "footer"
    change.update_mask.paths.append("policy")
    services.template.UpdateTemplate(change)
    source = tree_pb2.TreeSource(native=native("1-console-later"))
    again = services.template.LearnTemplate(
        template_pb.LearnTemplateRequest(screen_id=screen, captures=[source])
    ).template
    assert (again.version, again.app) == (3, "console")
    assert "mine" in [rule.why for rule in again.policy.rules]
    assert len(again.policy.rules) > 1
    assert again.inferences
    for state in ("1-console-reload", "1-console-later"):
        verdict = ingest(services, native(state), screen_hint=screen).verdict
        assert verdict.kind == UNCHANGED, verdict.explanation


def test_the_status_tells_the_log_and_its_age(services: Services, screen: str) -> None:
    ingest(services, native("1-console", NEW), screen_hint=screen)
    services.log.GetCheckpoint(log_pb.GetCheckpointRequest())
    status = services.status.GetStatus(status_service_pb2.GetStatusRequest())
    assert {backend.name: backend.serving for backend in status.backends} == {
        "capture": True,
        "diff": True,
    }
    assert status.log_size > 0
    assert status.HasField("checkpoint_age")
