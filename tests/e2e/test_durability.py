"""What was acknowledged survives: kill -9 between the answer and the next start."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from systemzero.tree.v1 import tree_pb2
from systemzero_core.tlog import VerifierKey, verify_checkpoint, verify_export
from tests.support.captures import capture
from tests.support.platform import KINDS, LAYOUTS, Services, running
from tests.support.postgres import Server, migrated


def document(version: str, state: str) -> tree_pb2.NativeCapture:
    recorded = capture("parcel-console", version, state)
    return tree_pb2.NativeCapture(data=recorded.ax, dom=recorded.dom)


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path | None]:
    """Where state is kept: a file with the URL of a migrated PostgreSQL, or None for SQLite."""
    if request.param == "sqlite":
        yield None
        return
    server: Server = request.getfixturevalue("postgres").fresh()
    yield migrated(server, tmp_path)
    server.drop()


@pytest.mark.parametrize(("kind", "workers"), LAYOUTS)
def test_kill_9_after_an_acknowledged_ingest_loses_nothing(
    kind: str, workers: int, tmp_path: Path, database: Path | None
) -> None:
    start = partial(running, kind, tmp_path, database=database, workers=workers)
    with start() as platform, platform.services() as services:
        learn(services)
        request = capture_pb.IngestRequest(
            request_id="only-once", native=document("5.31.0", "1-console"), check=True
        )
        answer = services.capture.Ingest(request)
        note = services.log.GetCheckpoint(log_pb.GetCheckpointRequest()).note
        platform.kill()
    with start() as platform, platform.services() as services:
        wanted = capture_pb.GetCaptureRequest(capture_id=answer.capture.capture_id)
        assert services.capture.GetCapture(wanted).capture == answer.capture
        event = services.drift.GetEvent(
            drift_pb.GetEventRequest(event_id=answer.verdict.event_id)
        ).event
        assert event.verdict == answer.verdict
        assert services.capture.Ingest(request) == answer
        events = services.drift.ListEvents(drift_pb.ListEventsRequest()).events
        assert [e.event_id for e in events] == [answer.verdict.event_id]
        key = VerifierKey.parse(
            services.log.GetCheckpoint(log_pb.GetCheckpointRequest()).verifier_key
        )
        chunks = services.log.ExportEntries(log_pb.ExportEntriesRequest())
        lines = b"".join(c.chunk for c in chunks).splitlines(keepends=True)
        verify_export(lines, vkeys=[key], pinned=verify_checkpoint(note, [key]))


def learn(services: Services) -> None:
    source = tree_pb2.TreeSource(native=document("4.15.5", "1-console"))
    request = template_pb.LearnTemplateRequest(screen_id="console", captures=[source])
    services.template.LearnTemplate(request)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_cleanly(kind: str, number: signal.Signals, tmp_path: Path) -> None:
    with running(kind, tmp_path) as platform:
        platform.process.send_signal(number)
        assert platform.wait() == 0
        assert "Traceback" not in platform.log.read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_the_admin_key_is_private_and_made_once(kind: str, tmp_path: Path) -> None:
    with running(kind, tmp_path) as platform:
        key_file = tmp_path / "gateway" / "admin.key"
        assert key_file.stat().st_mode & 0o777 == 0o600
        first = platform.admin_key
        assert first not in platform.log.read_text()
    with running(kind, tmp_path) as platform:
        assert platform.admin_key == first
