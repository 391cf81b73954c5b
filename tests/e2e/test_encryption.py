"""Encryption at rest of a platform in one process, set up as an operator does."""

from __future__ import annotations

from pathlib import Path

import pytest

from systemzero.diff.v1 import drift_service_pb2 as pb
from tests.e2e.test_backup import admin, drift, note
from tests.e2e.test_durability import learn
from tests.support.platform import running


def words_of(data: Path) -> bytes:
    """All that the databases' files hold."""
    files = [path for path in data.rglob("*.db*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files)


def test_a_platform_whose_disk_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, kek, kept = tmp_path / "data", tmp_path / "kek", tmp_path / "checkpoint"
    assert admin("make-kek", kek).returncode == 0
    assert kek.stat().st_mode & 0o777 == 0o600
    monkeypatch.setenv("SZ_STANDALONE_ENCRYPTION__KEK_FILE", str(kek))
    with running("standalone", data) as platform, platform.services() as services:
        learn(services)
        drift(services)
        kept.write_text(note(services))
        event = services.drift.ListEvents(pb.ListEventsRequest()).events[0]
        assert event.verdict.script.edits[0].sentence.encode() not in words_of(data)
        platform.kill()
    monkeypatch.setenv("SZ_ADMIN_ENCRYPTION__KEK_FILE", str(kek))
    checked = admin("check", "--data", data, "--extends", kept)
    assert (checked.returncode, "extends the checkpoint" in checked.stdout) == (0, True)
    monkeypatch.delenv("SZ_ADMIN_ENCRYPTION__KEK_FILE")
    refused = admin("check", "--data", data)
    assert (refused.returncode, "configure it in `encryption`" in refused.stderr) == (2, True)
