"""Encryption at rest in the services: what their files hold, and when they refuse to start."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import grpc
import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero_admin.__main__ import main
from systemzero_core.errors import FailedPrecondition
from systemzero_storage.sealing import EncryptionSettings
from systemzero_storage.sealing.kek import FileKek
from systemzero_storage.sealing.settings import KekSettings
from systemzero_wire.trees import encode_tree
from tests.support.checks import DRIFT, check, put
from tests.support.sealing import KEY, OTHER, kek_file
from tests.support.services import House, capture_house, diff_house
from tests.support.trees import item, tree

WORDS = ("Kontonummer", "Zahnarzttermin", "Begruendung")
"""What a tree, a change and a decision's reason say, and nothing else here."""


def shown(*more: str) -> Any:
    return tree(
        item("heading", WORDS[0], attributes=(("level", "1"),)),
        *(item("link", f"entry {n}") for n in range(5)),
        *(item("button", name) for name in more),
    )


def settings(folder: Path, key: bytes = KEY) -> EncryptionSettings:
    return EncryptionSettings(kek_file=kek_file(folder, key))


@asynccontextmanager
async def both(folder: Path, encryption: EncryptionSettings) -> AsyncIterator[tuple[House, House]]:
    async with (
        capture_house(folder / "capture", encryption=encryption) as capture,
        diff_house(folder / "diff", encryption=encryption) as diff,
    ):
        # a server that was never called does not stop (grpc.aio)
        await capture.captures().ListCaptures(capture_pb.ListCapturesRequest())
        await diff.drift().ListEvents(drift_pb.ListEventsRequest())
        yield capture, diff


async def write(capture: House, diff: House) -> str:
    """A capture with a verdict, a template, an event, a decision with a reason; the event's id."""
    request = capture_pb.IngestRequest(
        request_id="req_1", tree=encode_tree(shown(WORDS[1])), check=True
    )
    await capture.captures().Ingest(request)
    await put(diff, "orders", shown(), app="shop")
    verdict = await check(diff, shown(WORDS[1]), "orders", capture_id="cap_1")
    assert verdict.kind == DRIFT
    await diff.drift().RejectEvent(
        drift_pb.RejectEventRequest(event_id=verdict.event_id, reason=WORDS[2], request_id="req_2")
    )
    return str(verdict.event_id)


def words_in(folder: Path) -> set[str]:
    """The words that stand in a file below `folder`, as somebody finds them who has the disk."""
    files = [path.read_bytes() for path in folder.rglob("*") if path.is_file()]
    assert any(b"SQLite format 3" in content for content in files)
    return {word for word in WORDS if any(word.encode() in content for content in files)}


async def test_the_files_hold_no_word_of_what_was_seen_or_said(tmp_path: Path) -> None:
    async with both(tmp_path / "data", settings(tmp_path)) as (capture, diff):
        event = await write(capture, diff)
        assert words_in(tmp_path / "data") == set()  # the write-ahead logs are there, too
        listed = await diff.drift().ListEvents(drift_pb.ListEventsRequest())
        assert [e.event_id for e in listed.events] == [event]
        assert WORDS[1] in str(listed.events[0].verdict)
        assert listed.events[0].decision.reason == WORDS[2]
        entries = await diff.log().ListEntries(log_pb.ListEntriesRequest())
        assert any(WORDS[1].encode() in entry.body for entry in entries.entries)
    assert words_in(tmp_path / "data") == set()


async def test_without_it_they_do(tmp_path: Path) -> None:
    async with both(tmp_path / "data", EncryptionSettings()) as (capture, diff):
        await write(capture, diff)
        assert words_in(tmp_path / "data") == set(WORDS[1:])  # the first is in a compressed tree


async def test_a_restart_reads_what_was_sealed(tmp_path: Path) -> None:
    encryption = settings(tmp_path)
    async with both(tmp_path / "data", encryption) as (capture, diff):
        event = await write(capture, diff)
    async with both(tmp_path / "data", encryption) as (capture, diff):
        again = await check(diff, shown(WORDS[1]), "orders")
        assert (again.kind, WORDS[1] in str(again)) == (DRIFT, True)
        got = await diff.log().GetProofBundle(log_pb.GetProofBundleRequest(index=1))
        assert event.encode() in got.bundle
        captures = await capture.captures().ListCaptures(capture_pb.ListCapturesRequest())
        request = capture_pb.GetCaptureRequest(
            capture_id=captures.captures[0].capture_id, include_tree=True
        )
        assert WORDS[1] in str((await capture.captures().GetCapture(request)).capture.tree)


@pytest.mark.parametrize("service", ["capture", "diff"])
async def test_a_service_does_not_start_without_the_key(tmp_path: Path, service: str) -> None:
    async with both(tmp_path / "data", settings(tmp_path)) as (capture, diff):
        await write(capture, diff)
    other = tmp_path / "other"
    other.mkdir()
    house: Any = capture_house if service == "capture" else diff_house
    for encryption in (EncryptionSettings(), settings(other, OTHER)):
        with pytest.raises(FailedPrecondition, match="wrap"):
            async with house(tmp_path / "data" / service, encryption=encryption):
                raise AssertionError("it started")


async def admin(*arguments: object) -> str:
    """What `sz-admin` says."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        status = await asyncio.to_thread(main, list(map(str, arguments)))
    assert status == 0, said.getvalue()
    return said.getvalue()


def config(folder: Path, key: bytes, *old: bytes) -> Path:
    """A settings file with the key, and the one before it."""
    lines = ["log_level: info", "encryption:", f"  kek_file: {settings(folder, key).kek_file}"]
    lines += [f"  old: {{kek_file: {settings(folder, each).kek_file}}}" for each in old]
    path = folder / f"config-{key[0]}-{len(old)}.yaml"
    path.write_text("\n".join(lines))
    return path


async def test_a_key_is_rotated_while_serving(tmp_path: Path) -> None:
    data, old, new = tmp_path / "data", settings(tmp_path), settings(tmp_path, OTHER)
    overlap = EncryptionSettings(kek_file=new.kek_file, old=KekSettings(kek_file=old.kek_file))
    async with both(data, old) as (capture, diff):
        event = await write(capture, diff)
    async with both(data, overlap) as (_, diff):
        said = await admin("rewrap", "--config", config(tmp_path, OTHER, KEY), "--data", data)
        assert said == "".join(
            f"{name}: 1 data keys are wrapped by {FileKek(OTHER).id}\n"
            for name in ("capture", "diff")
        )
        assert WORDS[1] in str(await diff.drift().ListEvents(drift_pb.ListEventsRequest()))
    async with both(data, new) as (_, diff):
        listed = await diff.drift().ListEvents(drift_pb.ListEventsRequest())
        assert [e.event_id for e in listed.events] == [event]


async def test_a_misspelt_variable_of_sz_admin_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SZ_ADMIN_ENCRYPTON__KEK_FILE", str(tmp_path / "kek"))
    with pytest.raises(AssertionError, match="encrypton: no such setting; did you mean encryption"):
        await admin("rewrap", "--config", config(tmp_path, KEY), "--data", tmp_path)


async def test_a_backup_has_no_key_that_opens_it(tmp_path: Path) -> None:
    data, backup, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    async with both(data, settings(tmp_path)) as (capture, diff):
        await write(capture, diff)
        await admin("backup", "--data", data, "--to", backup)
    assert words_in(backup) == set()
    assert not any(KEY in path.read_bytes() for path in backup.rglob("*") if path.is_file())
    await admin("restore", backup, "--data", again)
    checked = await admin("check", "--data", again, "--config", config(tmp_path, KEY))
    assert "1 trees are what their digests say" in checked
    assert "what rests on them are whole" in checked
    with pytest.raises(AssertionError, match="bodies are sealed with data keys that"):
        await admin("check", "--data", again)


async def test_an_erased_tenant_is_answered_as_erased(tmp_path: Path) -> None:
    data, encryption = tmp_path / "data", settings(tmp_path)
    async with both(data, encryption) as (capture, diff):
        event = await write(capture, diff)
        note = (await diff.log().GetCheckpoint(log_pb.GetCheckpointRequest())).note
    with pytest.raises(AssertionError, match="add --yes"):
        await admin("erase-tenant", "acme", "--data", data)
    said = await admin("erase-tenant", "acme", "--data", data, "--yes")
    assert said.count("1 data keys of tenant acme are destroyed") == 2
    assert "diff: 1 events are erased" in said
    async with both(data, encryption) as (capture, diff):
        await are_erased(capture, diff, event)
        kept = tmp_path / "checkpoint"
        kept.write_text(note)
        checked = await admin(
            "check", "--data", data, "--config", config(tmp_path, KEY), "--extends", kept
        )
        assert "extends the checkpoint of 3" in checked
        assert "5 entries and what rests on them are whole" in checked
        await put(diff, "orders", shown(), app="shop")  # and the tenant can begin anew
        verdict = await check(diff, shown(WORDS[1]), "orders", capture_id="cap_9")
        assert (verdict.kind, verdict.event_id == event) == (DRIFT, False)
    await admin("check", "--data", data, "--config", config(tmp_path, KEY))


async def are_erased(capture: House, diff: House, event: str) -> None:
    """What clients are told of everything that `write` wrote."""
    listed = (await diff.drift().ListEvents(drift_pb.ListEventsRequest())).events
    assert [(e.event_id, e.HasField("erase_time"), e.decision.reason) for e in listed] == [
        (event, True, "")
    ]
    assert WORDS[1] not in str(listed)
    with pytest.raises(grpc.aio.AioRpcError, match="says nothing") as refused:
        await diff.drift().RejectEvent(drift_pb.RejectEventRequest(event_id=event, reason="no"))
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    templates = await diff.templates().ListTemplates(template_pb.ListTemplatesRequest())
    assert list(templates.templates) == []
    entries = (await diff.log().ListEntries(log_pb.ListEntriesRequest())).entries
    assert [entry.body for entry in entries[:3]] == [b""] * 3
    assert [entry.kind for entry in entries[3:]] == ["log.erasure"] * 2
    captures = (await capture.captures().ListCaptures(capture_pb.ListCapturesRequest())).captures
    assert [one.HasField("erase_time") for one in captures] == [True]
    request = capture_pb.GetCaptureRequest(capture_id=captures[0].capture_id, include_tree=True)
    with pytest.raises(grpc.aio.AioRpcError, match="was erased") as refused:
        await capture.captures().GetCapture(request)
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
