"""What `sz-admin check` leaves as it was, and what it does not pass for whole."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from systemzero_admin.__main__ import main
from systemzero_admin.schemas import installed
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_storage.database import DatabaseSettings, open_database
from systemzero_storage.database.backup import back_up, restore

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


@pytest.mark.parametrize("where", ["nope", "data/diff", "empty"])
def test_where_no_service_has_a_database_nothing_is_whole(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], where: str
) -> None:
    (tmp_path / "empty").mkdir()
    capsys.readouterr()
    assert check("--data", tmp_path / where) == 2
    said = capsys.readouterr()
    assert f"no service has a database below {tmp_path / where}" in said.err
    assert said.out == ""
    assert data.is_dir()
    assert not (tmp_path / "nope").exists()


def test_a_database_that_is_missing_beside_its_keys_is_told(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lose(data / "diff" / "diff.db")
    assert check("--data", data) == 2
    said = capsys.readouterr()
    assert f"{data}/diff/diff.db is missing, though diff/" in said.err
    assert "restore it from a backup" in said.err
    assert "whole" not in said.out  # of the others neither: it is not all there
    assert check("--data", data, "--service", "capture") == 0


def test_a_service_whose_database_is_gone_neither_starts_nor_is_backed_up(
    data: Path, tmp_path: Path
) -> None:
    for schema in SCHEMAS:
        folder = data / schema.name
        lose(folder / schema.file)
        with pytest.raises(FailedPrecondition, match=rf"{schema.file} is missing.*restore it"):
            open_database(folder, schema, DatabaseSettings())
        assert not (folder / schema.file).exists()
        with pytest.raises(FailedPrecondition, match=rf"{schema.file} is missing.*restore it"):
            back_up(data, tmp_path / "backup", SCHEMAS)
        assert not (tmp_path / "backup").exists()
        folder.rename(tmp_path / schema.name)  # as the message says
        asyncio.run(open_database(folder, schema, DatabaseSettings()).close())


def test_a_restored_folder_whose_database_is_gone_is_refused_before_any_start(
    data: Path, tmp_path: Path
) -> None:
    back_up(data, tmp_path / "backup", SCHEMAS)
    restore(tmp_path / "backup", tmp_path / "again")
    lose(tmp_path / "again" / "diff" / "diff.db")
    diff = next(schema for schema in SCHEMAS if schema.name == "diff")
    with pytest.raises(FailedPrecondition, match=r"diff\.db is missing"):
        open_database(tmp_path / "again" / "diff", diff, DatabaseSettings())


def test_a_database_that_a_broken_restore_left_empty_is_not_begun_anew(
    data: Path, tmp_path: Path
) -> None:
    for schema in SCHEMAS:
        folder = data / schema.name
        lose(folder / schema.file)
        (folder / schema.file).touch()
        with pytest.raises(FailedPrecondition, match=rf"{schema.file} is empty.*restore it"):
            open_database(folder, schema, DatabaseSettings())
        assert (folder / schema.file).stat().st_size == 0
        with pytest.raises(FailedPrecondition, match=rf"{schema.file} is empty.*restore it"):
            back_up(data, tmp_path / "backup", SCHEMAS)
        folder.rename(tmp_path / schema.name)


def test_which_database_is_damaged_is_told(data: Path, tmp_path: Path) -> None:
    for schema in SCHEMAS:
        file = data / schema.name / schema.file
        whole = file.read_bytes()
        file.write_bytes(b"no database " * 1_000)
        with pytest.raises(DataCorrupted, match=rf"{file}: .*damaged.*restore it"):
            open_database(file.parent, schema, DatabaseSettings())
        with pytest.raises(DataCorrupted, match=rf"copying {file} to {tmp_path}/backup/.*damaged"):
            back_up(data, tmp_path / "backup", SCHEMAS)
        file.write_bytes(whole)


def test_a_database_of_an_earlier_release_is_marked_at_its_next_start(data: Path) -> None:
    diff = next(schema for schema in SCHEMAS if schema.name == "diff")
    (data / "diff" / "diff.db.made").unlink()
    for _ in range(2):
        asyncio.run(open_database(data / "diff", diff, DatabaseSettings()).close())
    assert (data / "diff" / "diff.db.made").exists()


def lose(database: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
