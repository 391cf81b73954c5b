"""The database on a real SQLite file: what it promises about commits, errors and files."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Integer,
    MetaData,
    Table,
    Text,
    insert,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, OperationalError

from systemzero_core.errors import DataCorrupted, Unavailable
from systemzero_storage.database import SchemaMismatch, SqliteDatabase, open_sqlite
from systemzero_storage.jobs.patience import Deadline, Waits
from systemzero_storage.sqlite import engines
from systemzero_storage.sqlite.engines import driver_of
from systemzero_storage.sqlite.write_lock import WriteLock
from tests.support.patience import PATIENCE
from tests.support.sqlite import opened

METADATA = MetaData()
NOTES = Table(
    "notes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("text", Text, nullable=False, unique=True),
)


def add(text: str) -> Callable[[Connection], int]:
    return lambda c: int(c.execute(insert(NOTES).values(text=text)).lastrowid)


def texts(connection: Connection) -> list[str]:
    return list(connection.execute(select(NOTES.c.text).order_by(NOTES.c.id)).scalars())


def fail(connection: Connection) -> None:
    add("never")(connection)
    raise LookupError("mine")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "notes.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = open_sqlite(path, METADATA, 1)
    yield opened
    await opened.close()


async def test_what_was_written_is_read(database: SqliteDatabase) -> None:
    assert await database.write(add("a")) == 1
    assert await database.read(texts) == ["a"]


async def test_what_was_written_is_there_after_a_restart(path: Path) -> None:
    first = open_sqlite(path, METADATA, 1)
    await first.write(add("a"))
    await first.close()
    assert not path.with_name("notes.db-wal").exists()
    second = open_sqlite(path, METADATA, 1)
    assert await second.read(texts) == ["a"]
    await second.close()


async def test_a_job_that_fails_is_rolled_back_alone(database: SqliteDatabase) -> None:
    jobs = [add("a"), fail, add("b"), add("a"), add("c")]
    results = await asyncio.gather(*map(database.write, jobs), return_exceptions=True)
    assert [type(r) for r in results] == [int, LookupError, int, IntegrityError, int]
    assert await database.read(texts) == ["a", "b", "c"]


def connection_of(database: SqliteDatabase) -> sqlite3.Connection:
    """The writer's own."""
    writer: Any = database._writer
    return driver_of(writer._connection)


def commits_of(database: SqliteDatabase) -> list[None]:
    """One item for each commit from now on."""
    commits: list[None] = []
    connection_of(database).set_trace_callback(
        lambda sql: commits.append(None) if sql == "COMMIT" else None
    )
    return commits


async def test_jobs_that_wait_share_a_commit(database: SqliteDatabase, path: Path) -> None:
    commits = commits_of(database)
    await asyncio.gather(*(database.write(add(str(i))) for i in range(100)))
    assert len(commits) < 20
    assert len(await database.read(texts)) == 100


async def test_nothing_is_acknowledged_before_the_commit(
    database: SqliteDatabase, path: Path
) -> None:
    """Another process's view, at the moment a write is acknowledged, has it."""
    with opened(path) as other:
        for i in range(20):
            await database.write(add(str(i)))
            assert other.execute("SELECT count(*) FROM notes").fetchone() == (i + 1,)


async def test_when_the_commit_fails_every_job_of_it_fails(database: SqliteDatabase) -> None:
    def refuse_commit(action: int, argument: str | None, *_: str | None) -> int:
        commit = action == sqlite3.SQLITE_TRANSACTION and argument == "COMMIT"
        return sqlite3.SQLITE_DENY if commit else sqlite3.SQLITE_OK

    def sabotage(connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert driver is not None
        driver.set_authorizer(refuse_commit)

    jobs = map(database.write, [sabotage, *map(add, "abc")])
    results = await asyncio.gather(*jobs, return_exceptions=True)
    assert all(isinstance(result, Exception) for result in results)
    assert await database.read(texts) == []
    await database.write(add("after"))
    assert await database.read(texts) == ["after"]


async def test_a_full_disk_is_unavailable_and_passes(database: SqliteDatabase) -> None:
    def limit(pages: int) -> Callable[[Connection], None]:
        return lambda c: c.exec_driver_sql(f"PRAGMA max_page_count={pages}").close()

    await database.write(limit(1))
    with pytest.raises(Unavailable, match="full"):
        await database.write(add("x" * 100_000))
    await database.write(limit(1_000_000))
    await database.write(add("y"))
    assert await database.read(texts) == ["y"]


async def test_another_process_lock_is_unavailable_not_a_hang(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", 0.05)
    database = open_sqlite(path, METADATA, 1)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    results = await asyncio.gather(
        *(database.write(add(str(i))) for i in range(10)), return_exceptions=True
    )
    assert {type(result) for result in results} == {Unavailable}
    other.execute("ROLLBACK")
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", PATIENCE)
    assert await database.write(add("after")) == 1
    other.close()
    await database.close()


def patience(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds, Waits())


async def test_processes_take_turns_to_write(path: Path) -> None:
    """Each as a process has it: a writer of its own over the same file."""
    processes = [open_sqlite(path, METADATA, 1) for _ in range(3)]

    async def write(number: int) -> None:
        for i in range(50):
            await processes[number].write(add(f"{number}/{i}"))

    await asyncio.gather(*map(write, range(3)))
    assert len(await processes[0].read(texts)) == 150
    for process in processes:
        await process.close()


async def test_what_comes_before_the_turn_does_is_in_the_same_commit(
    database: SqliteDatabase, path: Path
) -> None:
    commits, other = commits_of(database), WriteLock(path)
    await other.take(patience(PATIENCE))
    writes = []
    for i in range(10):
        writes.append(asyncio.create_task(database.write(add(str(i)))))
        await asyncio.sleep(0)
    other.give()
    await asyncio.gather(*writes)
    other.close()
    assert len(commits) == 1


async def test_a_cancelled_write_happens_whole_or_not_at_all(database: SqliteDatabase) -> None:
    committing, leave = threading.Event(), threading.Event()

    def wait(sql: str) -> None:
        if sql == "COMMIT":
            committing.set()
            leave.wait(PATIENCE)

    connection_of(database).set_trace_callback(wait)
    running = asyncio.create_task(database.write(add("slow")))
    await asyncio.to_thread(committing.wait)
    queued = asyncio.create_task(database.write(add("queued")))
    await asyncio.sleep(0)
    queued.cancel()
    running.cancel()
    for task in (running, queued):
        with pytest.raises(asyncio.CancelledError):
            await task
    leave.set()
    await database.write(add("after"))
    assert await database.read(texts) == ["slow", "after"]


async def test_a_reader_sees_one_snapshot_and_cannot_write(database: SqliteDatabase) -> None:
    entered, leave = threading.Event(), threading.Event()

    def twice(connection: Connection) -> tuple[list[str], list[str]]:
        before = texts(connection)
        entered.set()
        leave.wait(PATIENCE)
        return before, texts(connection)

    reading = asyncio.create_task(database.read(twice))
    await asyncio.to_thread(entered.wait)
    await database.write(add("meanwhile"))
    leave.set()
    assert await reading == ([], [])
    with pytest.raises((OperationalError, Unavailable)):
        await database.read(add("never"))
    assert await database.read(texts) == ["meanwhile"]


async def test_a_look_up_needs_no_thread_and_sees_what_was_written(
    database: SqliteDatabase,
) -> None:
    database._readers.pool.shutdown()
    for i in range(3):
        await database.write(add(str(i)))
        assert len(await database.look_up(texts)) == i + 1
    with pytest.raises(Unavailable):
        await database.look_up(add("never"))
    assert len(await database.look_up(texts)) == 3


async def test_who_looks_up_again_and_again_lets_others_go_on(database: SqliteDatabase) -> None:
    writing = asyncio.create_task(database.write(add("seen")))
    while not await database.look_up(texts):
        pass
    await writing


async def test_close_drains_what_was_accepted_and_refuses_the_rest(path: Path) -> None:
    database = open_sqlite(path, METADATA, 1)
    accepted = [asyncio.create_task(database.write(add(str(i)))) for i in range(50)]
    await asyncio.sleep(0)
    await database.close()
    assert len(await asyncio.gather(*accepted)) == 50
    late = database.write(add("late")), database.read(texts), database.look_up(texts)
    for refused in late:
        with pytest.raises(Unavailable, match="closed"):
            await refused
    await database.close()


async def test_the_files_are_their_owner_s_alone(database: SqliteDatabase, path: Path) -> None:
    await database.write(add("a"))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    files = sorted(path.parent.iterdir())
    suffixes = ("", "-shm", "-turn", "-wal", ".made")
    assert [f.name for f in files] == [f"notes.db{suffix}" for suffix in suffixes]
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}


async def test_nothing_is_written_elsewhere(database: SqliteDatabase, path: Path) -> None:
    elsewhere: set[str] = set()

    def change(connection: Connection) -> None:
        connection.execute(update(NOTES).values(text=NOTES.c.text + "x"))
        opened = (os.path.realpath(file) for file in Path("/proc/self/fd").iterdir())
        elsewhere.update(file for file in opened if "etilqs" in file)

    await asyncio.gather(*(database.write(add(f"{i} {'text' * 5_000}")) for i in range(30)))
    await asyncio.gather(*(database.write(change) for _ in range(30)))
    assert elsewhere == set()  # its temporary files' names begin so


async def test_commits_are_synchronous(database: SqliteDatabase) -> None:
    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.write(pragmas) == ["wal", 2, 1, 1]


@pytest.mark.parametrize(("found", "advice"), [(1, "migrate"), (3, "later release")])
async def test_another_schema_version_is_refused(path: Path, found: int, advice: str) -> None:
    await open_sqlite(path, METADATA, found).close()
    with pytest.raises(SchemaMismatch, match=advice) as caught:
        open_sqlite(path, METADATA, 2)
    assert caught.value.metadata == {"found": str(found), "wanted": "2"}


def test_another_program_s_database_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "x.db") as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(SchemaMismatch, match="not one of"):
        open_sqlite(tmp_path / "x.db", METADATA, 1)


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"no database at all, but long enough to look like one" * 40)
    with pytest.raises(DataCorrupted):
        open_sqlite(tmp_path / "x.db", METADATA, 1)


def test_a_folder_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with pytest.raises(Unavailable, match="directory"):
        open_sqlite(tmp_path / "x.db", METADATA, 1)


def test_a_failed_creation_leaves_nothing_of_the_schema(path: Path) -> None:
    broken = MetaData()
    Table("good", broken, Column("id", Integer, primary_key=True))
    Table("bad", broken, Column("id", Integer, primary_key=True), CheckConstraint("no (("))
    with pytest.raises(OperationalError):
        open_sqlite(path, broken, 1)
    with opened(path) as found:
        assert found.execute("SELECT name FROM sqlite_master").fetchall() == []


_CHILD = """
import asyncio, sys
from pathlib import Path
from typing import Any
from tests.integration.storage.sqlite.test_database import METADATA, add
from systemzero_storage.database import open_sqlite

async def main():
    database = open_sqlite(Path(sys.argv[1]), METADATA, 1)
    async def write(prefix):
        n = 0
        while True:
            text = f"{sys.argv[2]}.{prefix}.{n}"
            await database.write(add(text))
            print(text, flush=True)
            n += 1
    await asyncio.gather(*map(write, range(8)))

asyncio.run(main())
"""


def test_a_killed_process_loses_nothing_it_acknowledged(path: Path) -> None:
    acknowledged: set[str] = set()
    for round_ in range(3):
        command = [sys.executable, "-c", _CHILD, str(path), str(round_)]
        root = Path(__file__).parents[4]
        environment = {**os.environ, "PYTHONPATH": str(root)}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=root, env=environment
        ) as child:
            assert child.stdout is not None
            for _ in range(50 + 100 * round_):
                acknowledged.add(child.stdout.readline().strip())
            child.kill()
            acknowledged.update(line[:-1] for line in child.stdout if line.endswith("\n"))
    with opened(path) as found:
        stored = {text for (text,) in found.execute("SELECT text FROM notes")}
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert acknowledged - stored == set()
    assert len(acknowledged) >= 450
