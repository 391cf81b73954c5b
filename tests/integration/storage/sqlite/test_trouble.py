"""A database that answers and can't be used: its disk is full or fails, its file is damaged."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, LargeBinary, MetaData, Table, insert, select

from systemzero_core.errors import DataCorrupted, Unavailable
from systemzero_storage.database import SqliteDatabase, open_sqlite
from systemzero_storage.sqlite import engines
from tests.support.full_disk import largest_file
from tests.support.sqlite import opened

METADATA = MetaData()
ROWS = Table("rows", METADATA, Column("n", Integer, primary_key=True), Column("x", LargeBinary))
PAGE = 4_096


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "rows.db"


@pytest.fixture
async def database(file: Path) -> AsyncIterator[SqliteDatabase]:
    opened = open_sqlite(file, METADATA, 1)
    yield opened
    await opened.close()


async def add(database: SqliteDatabase, size: int = 10) -> None:
    await database.write(lambda c: c.execute(insert(ROWS).values(x=bytes(size))) and None)


def overwrite(path: Path, start: int) -> None:
    size = path.stat().st_size
    with path.open("r+b") as raw:
        raw.seek(start)
        raw.write(b"\xff" * (size - start))


async def test_a_database_that_takes_no_writes_is_told_until_it_does(
    database: SqliteDatabase,
) -> None:
    await add(database)
    with largest_file(PAGE):
        await database.check()  # nobody has tried to write yet
        for _ in range(2):
            with pytest.raises(Unavailable):
                await add(database, 10 * PAGE)
            with pytest.raises(Unavailable, match="the disk with the database"):
                await database.check()
    await database.check()  # which tried, and it went
    await add(database)
    assert await database.read(lambda c: len(c.execute(select(ROWS)).all())) == 2


async def test_a_lock_that_another_process_keeps_is_told_until_it_is_free(
    file: Path, database: SqliteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    await add(database)
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", 0.1)
    with opened(file) as other:
        other.execute("BEGIN IMMEDIATE")
        await database.check()  # nobody has tried to write yet
        with pytest.raises(Unavailable, match="locked by another process"):
            await add(database)
        with pytest.raises(Unavailable, match="locked by another process"):
            await database.check()
    await database.check()


async def test_what_is_one_jobs_own_is_no_trouble(database: SqliteDatabase) -> None:
    with pytest.raises(ZeroDivisionError):
        await database.write(lambda _: 1 // 0)
    await database.check()


async def test_damage_that_a_job_met_is_told_for_good(file: Path, database: SqliteDatabase) -> None:
    for _ in range(50):
        await add(database, PAGE)
    await database.close()  # all is in the file now
    overwrite(file, 4 * PAGE)
    damaged = open_sqlite(file, METADATA, 1)
    await damaged.check()  # its first pages are whole
    with pytest.raises(DataCorrupted):
        await damaged.read(lambda c: c.execute(select(ROWS)).all())
    with pytest.raises(DataCorrupted, match="restore it from a backup"):
        await damaged.check()
    await damaged.close()


async def test_a_file_that_was_overwritten_is_noticed_by_itself(
    file: Path, database: SqliteDatabase
) -> None:
    await add(database)
    await database.check()
    for path in (file, file.with_name(f"{file.name}-wal")):
        overwrite(path, 0)
    with pytest.raises((DataCorrupted, Unavailable)):
        await database.check()
