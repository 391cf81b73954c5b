"""DeleteCapture: no text of the screen is left anywhere, and the evidence holds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import zstandard

from systemzero.capture.v1 import capture_pb2
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import judgement_service_pb2 as judgement_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.diff.v1 import verdict_pb2
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_admin.check import Check
from systemzero_base.telemetry.logs import LogSettings
from systemzero_capture.admin.check import check_service as check_captures
from systemzero_capture.kept.settings import KeepingSettings
from systemzero_capture.store import SCHEMA as CAPTURE_SCHEMA
from systemzero_core.errors import DataCorrupted
from systemzero_core.formats import own
from systemzero_core.intake import take_in
from systemzero_core.tlog import VerifierKey, verify_bundle
from systemzero_core.tree import Node, Tree
from systemzero_diff.admin.check import check_service as check_diff
from systemzero_diff.store import SCHEMA as DIFF_SCHEMA
from systemzero_storage.database import DatabaseSettings, Schema, look_at_database
from systemzero_storage.tenancy.types import PackedId
from systemzero_wire.fields import timestamp
from systemzero_wire.trees import encode_signatures
from tests.support.gateway import refused
from tests.support.logging import lines_in, logging_as
from tests.support.loops import loop_named
from tests.support.pair import SILENCE, Pair, pair
from tests.support.sqlite import opened
from tests.support.stores import DAY, NOW, document

SECRET = "Jane Doe owes 1,280 crowns"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + SECRET.encode()
DRIFT = verdict_pb2.VERDICT_KIND_DRIFT


def screen(*texts: str) -> Tree:
    nodes = [
        Node("document", name="Account"),
        Node("heading", name="Account", attributes=(("level", "1"),)),
        *(Node("link", name=f"page {n}") for n in range(6)),
        *(Node("button", name=text) for text in texts),
    ]
    return Tree(nodes, [-1, *(0 for _ in nodes[1:])])


def of(content: Tree, **fields: Any) -> pb.IngestRequest:
    return pb.IngestRequest(native=document(content), **fields)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Pair]:
    keeping = KeepingSettings(native="always", screenshots=True)
    async with pair(tmp_path, originals=keeping) as both:
        source = tree_pb2.TreeSource(native=of(screen("Pay")).native)
        learn = template_pb.LearnTemplateRequest(screen_id="account", captures=[source])
        await both.templates().LearnTemplate(learn)
        yield both


async def drifted(served: Pair, **fields: Any) -> pb.IngestResponse:
    request = of(screen("Pay", SECRET), check=True, screenshot=PNG, **fields)
    answer: pb.IngestResponse = await served.captures().Ingest(request)
    assert answer.verdict.kind == DRIFT
    assert SECRET in str(answer.verdict)
    return answer


async def delete(served: Pair, capture_id: str) -> capture_pb2.Capture:
    request = pb.DeleteCaptureRequest(capture_id=capture_id)
    done: capture_pb2.Capture = (await served.captures().DeleteCapture(request)).capture
    return done


async def event_of(served: Pair, event_id: str) -> drift_pb.DriftEvent:
    request = drift_pb.GetEventRequest(event_id=event_id)
    event: drift_pb.DriftEvent = (await served.drift().GetEvent(request)).event
    return event


def texts_left(folder: Path) -> list[str]:
    """Rows of both databases that hold the text, by table; decisions keep their node's path."""
    found = []
    for path in (folder / "capture" / "capture.db", folder / "diff" / "diff.db"):
        with opened(path) as file:
            for (table,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'"):
                for row in file.execute(f"SELECT * FROM {table}"):  # noqa: S608 - of the schema
                    held = table != "decisions" and any("crowns" in _readable(v) for v in row)
                    found += [table] * held
    return found


def _readable(value: Any) -> str:
    if isinstance(value, bytes) and value[:4] == zstandard.FRAME_HEADER:
        value = zstandard.ZstdDecompressor().decompress(value)
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


async def vkey(served: Pair) -> VerifierKey:
    request = log_pb.GetCheckpointRequest()
    return VerifierKey.parse((await served.log().GetCheckpoint(request)).verifier_key)


async def test_no_text_of_the_screen_is_left_and_every_proof_holds(
    served: Pair, tmp_path: Path
) -> None:
    answer = await drifted(served, request_id="first")
    event_id = answer.verdict.event_id
    decision = drift_pb.SnoozeEventRequest(
        request_id="d", event_id=event_id, reason="later", expire_time=timestamp(NOW + DAY)
    )
    await served.drift().SnoozeEvent(decision)
    before = {"trees", "blobs", "verdicts", "log_entries"}
    assert set(texts_left(tmp_path)) == before
    erased = await delete(served, answer.capture.capture_id)
    assert texts_left(tmp_path) == []
    assert erased.HasField("erase_time")
    assert (erased.verdict.kind, erased.verdict.event_id) == (DRIFT, event_id)

    event = await event_of(served, event_id)
    assert event.HasField("erase_time")
    assert event.verdict.fingerprint == answer.verdict.fingerprint
    assert not event.verdict.script.edits
    request = log_pb.GetProofBundleRequest(index=answer.verdict.log_index)
    bundle = (await served.log().GetProofBundle(request)).bundle
    assert verify_bundle(bundle, [await vkey(served)]).entry.body is None
    (line,) = await checked(tmp_path, DIFF_SCHEMA, check_diff)
    assert line.startswith("tenant acme: ")


async def checked(folder: Path, schema: Schema, check: Check) -> list[str]:
    """What `sz-admin check` says of a service's database, while it serves."""
    own = folder / schema.name
    database = look_at_database(own, schema, DatabaseSettings(), at_rest=False)
    try:
        return [line async for line in check(database, own, "", [])]
    finally:
        await database.close()


async def test_a_repeat_of_an_erased_request_makes_no_second_event(served: Pair) -> None:
    answer = await drifted(served, request_id="first")
    await delete(served, answer.capture.capture_id)
    again = await served.captures().Ingest(
        of(screen("Pay", SECRET), check=True, screenshot=PNG, request_id="first")
    )
    assert again.capture.capture_id == answer.capture.capture_id
    assert not again.verdict.script.edits
    assert len((await served.drift().ListEvents(drift_pb.ListEventsRequest())).events) == 1


async def test_of_a_capture_that_was_deleted_no_event_is_recorded(
    served: Pair, tmp_path: Path
) -> None:
    """The deletion comes between the capture and its judgement."""
    stored = await served.captures().Ingest(of(screen("Pay", SECRET)))
    await delete(served, stored.capture.capture_id)
    taken = take_in(of(screen("Pay", SECRET)).native.data)
    late = judgement_pb.JudgeCaptureRequest(
        capture_id=stored.capture.capture_id,
        stored=True,
        signatures=encode_signatures(taken.signatures),
        document=own.encode(taken.tree),
    )
    code, _, _ = await refused(served.judgements().JudgeCapture(late))
    assert code is grpc.StatusCode.FAILED_PRECONDITION
    assert texts_left(tmp_path) == []


async def test_a_deleted_event_is_decided_about_no_more(served: Pair) -> None:
    answer = await drifted(served)
    await delete(served, answer.capture.capture_id)
    for expiry in (None, timestamp(NOW + DAY)):
        request = drift_pb.ApproveEventRequest(
            event_id=answer.verdict.event_id, reason="yes", expire_time=expiry
        )
        code, _, _ = await refused(served.drift().ApproveEvent(request))
        assert code is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_group_speaks_by_its_last_event_that_was_not_erased(served: Pair) -> None:
    seen = [await drifted(served, request_id=f"{n}") for n in range(6)]
    await delete(served, seen[0].capture.capture_id)
    for number in (5, 4):
        await delete(served, seen[number].capture.capture_id)
        group = await only_group(served)
        assert (group.events, group.last_event_id) == (6, seen[number - 1].verdict.event_id)
        assert any(SECRET in sentence for sentence in group.sentences)
        assert group.last_time == (await event_of(served, seen[5].verdict.event_id)).create_time
    request = drift_pb.RejectEventRequest(event_id=group.last_event_id, reason="no")
    await served.drift().RejectEvent(request)
    assert (await only_group(served)).open_events == 0


async def test_a_group_that_was_erased_whole_names_its_last_event(served: Pair) -> None:
    seen = [await drifted(served, request_id=f"{n}") for n in range(2)]
    for answer in seen:
        await delete(served, answer.capture.capture_id)
    group = await only_group(served)
    assert (group.events, group.last_event_id) == (2, seen[1].verdict.event_id)
    assert list(group.sentences) == []


async def only_group(served: Pair) -> drift_pb.EventGroup:
    group: drift_pb.EventGroup
    (group,) = (await served.drift().GetSummary(drift_pb.GetSummaryRequest())).groups
    return group


@pytest.mark.parametrize("said", SILENCE)
async def test_a_deletion_that_the_diff_service_missed_is_completed(
    tmp_path: Path, served: Pair, said: grpc.StatusCode
) -> None:
    answer = await drifted(served)
    served.away["EraseCapture"] = said
    request = pb.DeleteCaptureRequest(capture_id=answer.capture.capture_id)
    code, _, _ = await refused(served.captures().DeleteCapture(request))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert set(texts_left(tmp_path)) == {"verdicts", "log_entries"}
    served.away.clear()
    served.calls.clear()
    await finish_erasures(served)
    assert texts_left(tmp_path) == []
    await finish_erasures(served)
    assert served.calls == {"EraseCapture": 1}


async def finish_erasures(served: Pair) -> None:
    """What the capture service does every few seconds."""
    await loop_named("capture.erasures", served.capture_service.loops).once_more()


def note_by_others(path: Path, capture_ids: list[str], **values: Any) -> None:
    """What who can write to the database says of erasures that nobody asked for."""
    said = {"create_time": 1, "principal_id": "key_1", "mac": bytes(32), **values}
    with opened(path / "capture" / "capture.db") as file:
        file.execute("PRAGMA busy_timeout = 5000")
        for capture_id in capture_ids:
            note = ("acme", PackedId("cap").process_bind_param(capture_id, None), *said.values())
            file.execute("INSERT INTO erasures VALUES (?, ?, ?, ?, ?)", note)
        file.commit()


async def test_an_erasure_that_others_noted_is_not_done_and_is_told_once(
    served: Pair, tmp_path: Path
) -> None:
    answer = await drifted(served)
    left = texts_left(tmp_path)
    note_by_others(tmp_path, [answer.capture.capture_id])
    logs = tmp_path / "logs"
    with logging_as(LogSettings(output=str(logs))):
        for _ in range(3):
            await finish_erasures(served)
        told = [line for line in lines_in(logs) if "nobody asked" in line["event"]]
    assert texts_left(tmp_path) == left
    assert (await event_of(served, answer.verdict.event_id)).verdict.script.edits
    (line,) = told
    assert (line["level"], line["capture_id"]) == ("error", answer.capture.capture_id)
    with pytest.raises(DataCorrupted, match=f"{answer.capture.capture_id} is to be erased"):
        await checked(tmp_path, CAPTURE_SCHEMA, check_captures)
    # who may delete it still can: the note is then the service's own
    await delete(served, answer.capture.capture_id)
    assert texts_left(tmp_path) == []
    assert await checked(tmp_path, CAPTURE_SCHEMA, check_captures)


async def test_notes_by_others_hold_up_no_erasure_that_was_asked_for(
    served: Pair, tmp_path: Path
) -> None:
    answer = await drifted(served)
    served.away["EraseCapture"] = grpc.StatusCode.UNAVAILABLE
    request = pb.DeleteCaptureRequest(capture_id=answer.capture.capture_id)
    await refused(served.captures().DeleteCapture(request))
    note_by_others(tmp_path, [f"cap_{number:032x}" for number in range(250)])
    served.away.clear()
    await finish_erasures(served)
    assert texts_left(tmp_path) == []


async def test_a_note_holds_for_the_erasure_that_was_asked_for_alone(
    served: Pair, tmp_path: Path
) -> None:
    answer, other = await drifted(served), await drifted(served)
    served.away["EraseCapture"] = grpc.StatusCode.UNAVAILABLE
    request = pb.DeleteCaptureRequest(capture_id=answer.capture.capture_id)
    await refused(served.captures().DeleteCapture(request))
    with opened(tmp_path / "capture" / "capture.db") as file:
        columns = "create_time, principal_id, mac"
        ((time, principal, mac),) = file.execute(f"SELECT {columns} FROM erasures")  # noqa: S608
    assert principal == "key_1"
    note_by_others(tmp_path, [other.capture.capture_id], create_time=time, mac=mac)
    served.away.clear()
    await finish_erasures(served)
    assert not (await event_of(served, answer.verdict.event_id)).verdict.script.edits
    assert (await event_of(served, other.verdict.event_id)).verdict.script.edits


async def test_only_the_capture_service_erases(served: Pair) -> None:
    answer = await drifted(served)
    request = drift_pb.EraseCaptureRequest(capture_id=answer.capture.capture_id)
    code, _, _ = await refused(served.drift().EraseCapture(request))
    assert code is grpc.StatusCode.PERMISSION_DENIED
    assert not (await event_of(served, answer.verdict.event_id)).HasField("erase_time")


async def test_another_tenants_deletion_erases_nothing_of_mine(served: Pair) -> None:
    answer = await drifted(served)
    request = pb.DeleteCaptureRequest(capture_id=answer.capture.capture_id)
    code, _, _ = await refused(served.captures("beta").DeleteCapture(request))
    assert code is grpc.StatusCode.NOT_FOUND
    assert (await event_of(served, answer.verdict.event_id)).verdict.script.edits


async def test_the_log_records_what_was_kept_as_it_was_sent(served: Pair) -> None:
    answer = await drifted(served)
    wanted = pb.GetCaptureRequest(
        capture_id=answer.capture.capture_id, include_screenshot=True, include_native=True
    )
    kept = (await served.captures().GetCapture(wanted)).capture.originals
    assert kept.screenshot == PNG
    assert own.decode(kept.native.data) == screen("Pay", SECRET)
    entries = (await served.log().ListEntries(log_pb.ListEntriesRequest())).entries
    record = json.loads(entries[answer.verdict.log_index].body)
    assert record["screenshot_sha256"] == hashlib.sha256(PNG).hexdigest()
    assert record["native_sha256"] == kept.native_info.sha256.hex()


async def test_a_screen_that_another_capture_shows_stays_for_that_one(served: Pair) -> None:
    first, second = await drifted(served), await drifted(served)
    await delete(served, first.capture.capture_id)
    wanted = pb.GetCaptureRequest(
        capture_id=second.capture.capture_id, include_tree=True, include_screenshot=True
    )
    kept = (await served.captures().GetCapture(wanted)).capture
    assert SECRET in str(kept.tree)
    assert kept.originals.screenshot == PNG
    gone = pb.GetCaptureRequest(capture_id=first.capture.capture_id, include_screenshot=True)
    assert not (await served.captures().GetCapture(gone)).capture.HasField("originals")


async def test_an_event_that_was_moved_to_another_capture_is_not_erased_with_it(
    served: Pair, tmp_path: Path
) -> None:
    """Who can write to the database has somebody delete a capture, and another's event with it."""
    evidence, bait = await drifted(served), await drifted(served)
    moved, log_index = evidence.capture.capture_id, evidence.verdict.log_index
    with opened(tmp_path / "diff" / "diff.db") as file:
        file.execute("PRAGMA busy_timeout = 5000")
        change = "UPDATE events SET capture_id = ? WHERE capture_id = ?"
        file.execute(change, (bait.capture.capture_id, moved))
        file.commit()
    with pytest.raises(grpc.aio.AioRpcError):
        await delete(served, bait.capture.capture_id)
    entries = (await served.log().ListEntries(log_pb.ListEntriesRequest())).entries
    assert SECRET.encode() in entries[log_index].body
    assert "log.erasure" not in [entry.kind for entry in entries]
