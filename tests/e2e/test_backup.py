"""Backup while serving, restore, check: by `sz-admin`, as operators do, and as clients see it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.log.v1 import log_service_pb2 as log_pb
from tests.e2e.test_durability import document, learn
from tests.support.cli import Sz
from tests.support.platform import Platform, Services, running


def admin(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("sz-admin")), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def drift(services: Services) -> str:
    request = capture_pb.IngestRequest(native=document("5.31.0", "1-console"), check=True)
    return str(services.capture.Ingest(request).verdict.event_id)


def note(services: Services) -> str:
    return str(services.log.GetCheckpoint(log_pb.GetCheckpointRequest()).note)


class Writing:
    """Drift after drift, until it is left."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._write)

    def _write(self) -> None:
        with self._platform.services() as services:
            while not self._over.is_set():
                drift(services)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()


@pytest.fixture
def sz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Sz:
    return Sz(tmp_path / "home", monkeypatch, capfd)


def login(sz: Sz, platform: Platform, port: str) -> None:
    key = platform.data / "gateway" / "admin.key"
    assert sz("login", port, "--key-file", key).status == 0


def test_a_restored_instance_continues_the_same_log(tmp_path: Path, sz: Sz) -> None:
    data, backup, again = tmp_path / "data", tmp_path / "backup", tmp_path / "again"
    before, after = tmp_path / "before", tmp_path / "after"
    with running("standalone", data) as platform, platform.services() as services:
        learn(services)
        event = drift(services)
        before.write_text(note(services))
        with Writing(platform):
            made = admin("backup", "--data", data, "--to", backup)
            assert made.returncode == 0, made.stderr
        whole = admin("check", "--data", data, "--extends", before)
        assert (whole.returncode, "extends the checkpoint" in whole.stdout) == (0, True)
        drift(services)
        after.write_text(note(services))
        platform.kill()
    looked_at = admin("check", "--data", backup, "--extends", before)
    assert looked_at.returncode == 0, looked_at.stderr
    restored = admin("restore", backup, "--data", again)
    assert restored.returncode == 0, restored.stderr
    checked = admin("check", "--data", again, "--extends", before)
    assert checked.returncode == 0, checked.stderr
    assert "what rests on them are whole" in checked.stdout
    assert "entries of the audit log are whole" in checked.stdout
    lost = admin("check", "--data", again, "--extends", after)
    assert (lost.returncode, "restore a newer backup" in lost.stderr) == (2, True)
    with running("standalone", again) as platform, platform.services() as services:
        assert event in {
            entry.body.decode().partition('"event_id":"')[2][: len(event)]
            for entry in services.log.ListEntries(log_pb.ListEntriesRequest(page_size=1000)).entries
        }
        drift(services)
        login(sz, platform, platform.target)
        assert sz("log", "verify").status == 0
