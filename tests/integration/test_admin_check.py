"""What `sz-admin check` leaves as it was, and what it does not pass for whole."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from systemzero_chassis.admin.__main__ import main
from systemzero_chassis.admin.schemas import installed
from systemzero_chassis.database import DatabaseSettings, open_database
from systemzero_chassis.database.backup import back_up, restore

SCHEMAS = installed()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the keys and the database of every service."""
    assert main(["keys", "--to", str(tmp_path / "data")]) == 0

    async def make() -> None:
        for schema in SCHEMAS:
            folder = tmp_path / "data" / schema.name
            await open_database(folder, schema, DatabaseSettings()).close()

    asyncio.run(make())
    return tmp_path / "data"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def check(*arguments: object) -> int:
    return main(["check", *map(str, arguments)])


def test_a_backup_that_was_checked_is_the_same_and_restores(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "backup", SCHEMAS)
    before = contents(tmp_path / "backup")
    assert check("--data", tmp_path / "backup") == 0
    assert contents(tmp_path / "backup") == before
    restore(tmp_path / "backup", tmp_path / "again")
    assert check("--data", tmp_path / "again") == 0
    assert contents(tmp_path / "again") == {
        path: content for path, content in before.items() if path != "backup.json"
    }


def test_a_backup_that_nobody_may_write_to_is_checked(data: Path, tmp_path: Path) -> None:
    back_up(data, tmp_path / "backup", SCHEMAS)
    for path in (tmp_path / "backup").rglob("*"):
        path.chmod(0o500 if path.is_dir() else 0o400)
    assert check("--data", tmp_path / "backup") == 0


def test_what_a_running_service_has_not_put_into_its_file_yet_is_checked(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sqlite3.connect(data / "diff" / "diff.db", isolation_level=None)
    file.execute("CREATE TABLE lately (a)")  # in the write-ahead log alone
    before = (data / "diff" / "diff.db").read_bytes()
    assert check("--data", data) == 0
    assert "diff: the database is whole" in capsys.readouterr().out
    assert (data / "diff" / "diff.db").read_bytes() == before
    file.execute("INSERT INTO lately VALUES (1)")
    file.close()


def test_a_database_of_another_release_is_told_as_a_service_would_tell_it(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = sqlite3.connect(data / "diff" / "diff.db", isolation_level=None)
    file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.close()
    assert check("--data", data) == 2
    assert "a later release wrote it" in capsys.readouterr().err
