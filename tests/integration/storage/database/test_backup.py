"""What a backup refuses to be made of, and a restore to be made from."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from pathlib import Path

import pytest

from systemzero_admin.schemas import installed
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_storage.database import DatabaseSettings, open_database
from systemzero_storage.database.backup import back_up, restore
from tests.support.sqlite import opened

SCHEMAS = installed()


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the databases of all services, and a key."""

    async def make() -> None:
        for schema in SCHEMAS:
            folder = tmp_path / "data" / schema.name
            await open_database(folder, schema, DatabaseSettings()).close()
            (folder / "some.key").write_text(schema.name)
            (folder / "some.key").chmod(0o600)

    asyncio.run(make())
    return tmp_path / "data"


@pytest.fixture
def backup(data: Path, tmp_path: Path) -> Path:
    back_up(data, tmp_path / "backup", SCHEMAS)
    return tmp_path / "backup"


def test_a_restored_folder_has_the_same_rows_and_keys(data: Path, tmp_path: Path) -> None:
    file = sqlite3.connect(data / "diff" / "diff.db", isolation_level=None)
    file.execute("INSERT INTO verdict_counts VALUES ('acme', '2026-01-01', 'drift', 1)")
    file.execute("BEGIN IMMEDIATE")  # somebody is writing meanwhile, and does not commit
    file.execute("INSERT INTO verdict_counts VALUES ('acme', '2026-01-02', 'drift', 2)")
    back_up(data, tmp_path / "backup", SCHEMAS)
    file.close()
    restore(tmp_path / "backup", tmp_path / "again")
    with opened(tmp_path / "again" / "diff" / "diff.db") as file:
        assert file.execute("SELECT day FROM verdict_counts").fetchall() == [("2026-01-01",)]
    for schema in SCHEMAS:
        key = tmp_path / "again" / schema.name / "some.key"
        assert (key.read_text(), key.stat().st_mode & 0o777) == (schema.name, 0o600)
    folders = [tmp_path / "again", tmp_path / "backup", *(tmp_path / "again").glob("*/")]
    assert {folder.stat().st_mode & 0o777 for folder in folders} == {0o700}


def test_what_others_name_is_copied_after_them(data: Path, tmp_path: Path) -> None:
    """A capture that an event names is there when the event is."""
    databases = {f"{schema.name}/{schema.file}": schema for schema in SCHEMAS}
    for number, given in enumerate((SCHEMAS, SCHEMAS[::-1])):
        manifest = back_up(data, tmp_path / f"backup{number}", given)
        copied = [databases[file.path].name for file in manifest.files if file.path in databases]
        assert sorted(copied) == ["capture", "diff", "gateway"]
        assert copied.index("diff") < copied.index("capture")


def test_checkpoints_that_may_be_newer_than_the_copies_are_left_out(
    data: Path, tmp_path: Path
) -> None:
    """Or the restored log would be refused: it does not have what was published meanwhile."""
    (data / "diff" / "log.heads").mkdir()
    (data / "diff" / "log.heads" / "acme").write_text("a newer checkpoint")
    back_up(data, tmp_path / "backup", SCHEMAS)
    assert not (tmp_path / "backup" / "diff" / "log.heads").exists()


def test_keys_behind_links_are_backed_up_as_kubernetes_mounts_them(
    data: Path, tmp_path: Path
) -> None:
    mounted, key = data / "diff" / "..2026_01_01", data / "diff" / "log.key"
    mounted.mkdir()
    (mounted / "log.key").write_text("the log's key")
    (mounted / "log.key").chmod(0o440)
    (data / "diff" / "..data").symlink_to("..2026_01_01")
    key.symlink_to("..data/log.key")
    elsewhere = tmp_path / "elsewhere"
    (data / "trust").mkdir()
    (data / "trust" / "diff.pub").write_text("public")
    (data / "trust").rename(elsewhere)
    (data / "trust").symlink_to(elsewhere)
    back_up(data, tmp_path / "backup", SCHEMAS)
    restore(tmp_path / "backup", tmp_path / "again")
    again = tmp_path / "again" / "diff" / "log.key"
    assert (again.is_symlink(), again.read_text()) == (False, "the log's key")
    assert again.stat().st_mode & 0o777 == 0o600  # or the service that starts would refuse it
    assert (tmp_path / "again" / "trust" / "diff.pub").read_text() == "public"
    assert not list((tmp_path / "again").rglob("..*"))


@pytest.mark.parametrize("kind", ["nothing", "pipe", "circle"])
def test_what_cannot_be_backed_up_is_told_and_nothing_is_written(
    data: Path, tmp_path: Path, kind: str
) -> None:
    odd = data / "diff" / "pepper.key"
    if kind == "pipe":
        os.mkfifo(odd)
    else:
        odd.symlink_to("gone" if kind == "nothing" else data)
    with pytest.raises(FailedPrecondition, match=r"pepper\.key"):
        back_up(data, tmp_path / "backup", SCHEMAS)
    assert not (tmp_path / "backup").exists()


def test_a_way_around_by_a_link_leads_into_no_data_folder(data: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(data)
    for source, target in ((data, tmp_path / "link" / "in"), (tmp_path / "link", data / "in")):
        with pytest.raises(FailedPrecondition, match="is within"):
            back_up(source, target, SCHEMAS)


def test_a_backup_that_failed_can_be_tried_again(data: Path, tmp_path: Path) -> None:
    file = data / SCHEMAS[-1].name / SCHEMAS[-1].file
    whole = file.read_bytes()
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(DataCorrupted):
        back_up(data, tmp_path / "backup", SCHEMAS)
    file.write_bytes(whole)
    back_up(data, tmp_path / "backup", SCHEMAS)
    restore(tmp_path / "backup", tmp_path / "again")


@pytest.mark.parametrize("kind", ["link", "file"])
def test_a_link_or_a_file_is_no_place_to_restore_to(
    backup: Path, tmp_path: Path, kind: str
) -> None:
    target = tmp_path / "target"
    target.symlink_to(tmp_path / "nowhere") if kind == "link" else target.touch()
    with pytest.raises(FailedPrecondition, match="is a link or a file"):
        restore(backup, target)


def test_folders_on_the_way_to_a_data_folder_are_private_too(tmp_path: Path) -> None:
    old = os.umask(0o022)
    try:
        asyncio.run(open_database(tmp_path / "a" / "b", SCHEMAS[0], DatabaseSettings()).close())
    finally:
        os.umask(old)
    assert {(tmp_path / name).stat().st_mode & 0o777 for name in ("a", "a/b")} == {0o700}


def test_a_backup_has_a_folder_of_its_own(data: Path, backup: Path, tmp_path: Path) -> None:
    for source, target, said in (
        (data, data / "in", "is within"),
        (data, backup, "not empty"),
        (tmp_path / "none", tmp_path / "new", "no service has a database"),
    ):
        with pytest.raises(FailedPrecondition, match=said):
            back_up(source, target, SCHEMAS)
    with pytest.raises(FailedPrecondition, match="not empty"):
        restore(backup, data)


@pytest.mark.parametrize(
    ("path", "before", "after", "said"),
    [
        ("diff/diff.db", b"SQLite", b"SQLIte", "not the file that was backed up"),
        ("diff/diff.db", b"", None, "is missing"),
        ("capture/some.key", b"capture", b"capturE", "not the file that was backed up"),
        ("backup.json", b"", None, "is no backup"),
        ("backup.json", b"{", b"[", "is damaged"),
        ("backup.json", b"backup/1", b"backup/0", "not of the format"),
        ("backup.json", b'"diff/diff.db', b'"../diff.db', "outside of the backup"),
    ],
)
def test_what_is_no_whole_backup_restores_nothing(
    backup: Path, tmp_path: Path, path: str, before: bytes, after: bytes | None, said: str
) -> None:
    file = backup / path
    if after is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes().replace(before, after, 1))
    with pytest.raises(DataCorrupted, match=said):
        restore(backup, tmp_path / "target")
    assert not list(tmp_path.glob("*target*"))
