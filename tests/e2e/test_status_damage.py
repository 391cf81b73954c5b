"""What `sz status` says of a log that somebody cut in the database of a running platform."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.support.captures import CAPTURES
from tests.support.cli import Sz
from tests.support.platform import running

GOOD = CAPTURES / "parcel-console" / "4.15.5__1-console.ax.json.gz"


def test_a_damaged_log_is_told_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    sz = Sz(tmp_path / "home", monkeypatch, capfd)
    with running("standalone", tmp_path / "platform") as platform:
        assert sz("login", platform.target, stdin=platform.admin_key.encode()).status == 0
        assert sz("learn", "console", GOOD).status == 0
        whole = sz("status", "--json")
        assert (whole.status, whole.one()["log_damage"]) == (0, "")
        cut(platform.data / "diff" / "diff.db")
        ran = sz("status")
        assert ran.status == 2
        assert "log: DAMAGED: the log of tenant 'default' is damaged" in ran.out
        assert "Restore the newest backup" in ran.out
        assert "checkpoint" in ran.out
        assert "log: 0 entries" not in ran.out
        found = sz("status", "--json")
        assert (found.status, found.one()["log_size"]) == (2, "0")
        assert "Restore the newest backup" in found.one()["log_damage"]


def cut(path: Path) -> None:
    """Delete the last entry, as who can write to the database."""
    file = sqlite3.connect(path)
    names = "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB '*_entries'"
    [(table,)] = file.execute(names).fetchall()
    last = f"DELETE FROM {table} WHERE position = (SELECT max(position) FROM {table})"  # noqa: S608
    assert file.execute(last).rowcount == 1
    file.commit()
    file.close()
