"""Processes that write to one SQLite file, one of which is slow, stopped or gone."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, select

from systemzero_core.errors import Unavailable
from systemzero_storage.database import SqliteDatabase, open_sqlite
from systemzero_storage.jobs.patience import Deadline, Waits
from systemzero_storage.jobs.trouble import RecentErrors
from systemzero_storage.sqlite import engines
from systemzero_storage.sqlite.engines import writer_engine
from systemzero_storage.sqlite.write_lock import SUFFIX, WriteLock
from systemzero_storage.sqlite.writer import Writer
from tests.support.patience import PATIENCE

METADATA = MetaData()
NOTES = Table("notes", METADATA, Column("number", Integer, primary_key=True))


def add(connection: Connection) -> None:
    connection.execute(insert(NOTES))


def count(connection: Connection) -> int:
    return len(connection.execute(select(NOTES)).all())


def patience(seconds: float) -> Deadline:
    return Deadline(time.monotonic() + seconds, Waits())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "notes.db"


async def test_who_gives_up_waiting_for_a_turn_keeps_nobody_from_it(path: Path) -> None:
    first, second = WriteLock(path), WriteLock(path)
    await first.take(patience(PATIENCE))
    with pytest.raises(Unavailable, match="locked by another process"):
        await second.take(patience(0.01))
    first.give()
    for turns in (first, second, second, first):  # whichever thread the turn came to meanwhile
        await turns.take(patience(PATIENCE))
        turns.give()
    first.close()
    second.close()


async def test_to_give_a_turn_that_one_does_not_have_gives_nothing(path: Path) -> None:
    """As after a wait in vain, when the turn comes to the thread that waited on."""
    first, second = WriteLock(path), WriteLock(path)
    await first.take(patience(PATIENCE))
    with pytest.raises(Unavailable):
        await second.take(patience(0))
    first.give()
    await second.take(patience(PATIENCE))
    third = WriteLock(path)
    first.give()
    with pytest.raises(Unavailable):
        await third.take(patience(0))
    for turns in (first, second, third):
        turns.close()


async def test_a_turn_ends_with_the_process_that_has_it(path: Path) -> None:
    with open_turns_elsewhere(path) as process:
        turns = WriteLock(path)
        with pytest.raises(Unavailable):
            await turns.take(patience(0))
        process.kill()
        await turns.take(patience(PATIENCE))
        turns.close()


@contextmanager
def open_turns_elsewhere(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process whose turn it is."""
    holding = f"""
import fcntl, signal
file = open({str(path) + SUFFIX!r}, "wb")
fcntl.flock(file, fcntl.LOCK_EX)
print(flush=True)
signal.pause()
"""
    with subprocess.Popen([sys.executable, "-c", holding], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


STOPS_ITSELF = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.integration.storage.sqlite.test_write_lock import METADATA, add, open_sqlite

def stop(connection):
    add(connection)
    os.kill(os.getpid(), signal.SIGSTOP)

async def main():
    database = open_sqlite(Path(sys.argv[1]), METADATA, 1)
    await database.write(stop)
    await database.close()

asyncio.run(main())
"""
"""Holds the turn and SQLite's write lock while it is stopped, then commits."""


@contextmanager
def stopped_while_it_writes(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    arguments = [sys.executable, "-c", STOPS_ITSELF, str(path)]
    with subprocess.Popen(arguments) as process:
        try:
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)
            yield process
        finally:
            process.kill()


async def refused(database: SqliteDatabase) -> None:
    with pytest.raises(Unavailable, match="locked by another process"):
        await database.write(add)


@pytest.mark.parametrize(("number", "left"), [(signal.SIGCONT, 2), (signal.SIGKILL, 1)])
async def test_a_stopped_process_holds_up_no_write_for_ever(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, left: int
) -> None:
    database = open_sqlite(path, METADATA, 1)
    with stopped_while_it_writes(path) as process:
        async with asyncio.timeout(PATIENCE):
            monkeypatch.setattr(engines, "BUSY_TIMEOUT", 0.05)
            for _ in range(3):  # the first wait in vain must not be in the way of the next
                await refused(database)
            assert await database.read(count) == 0
            monkeypatch.setattr(engines, "BUSY_TIMEOUT", PATIENCE)
            process.send_signal(number)
            await database.write(add)
            assert await database.read(count) == left
            await database.close()


async def test_a_process_ends_though_another_one_is_stopped(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", 0.05)
    database = open_sqlite(path, METADATA, 1)
    with stopped_while_it_writes(path):
        async with asyncio.timeout(PATIENCE):
            await refused(database)
            await database.close()


class Moments(Waits):
    """A clock that goes on only while somebody waits by it."""

    def __init__(self) -> None:
        self.time = 0.0

    def now(self) -> float:
        return self.time

    async def pause(self, seconds: float) -> None:
        self.time += seconds
        await asyncio.sleep(0)

    async def until(self, future: asyncio.Future[Any], seconds: float) -> None:
        if seconds:
            self.time += self.comes_after
            self.came()
            await future

    comes_after = 0.0

    @staticmethod
    def came() -> None:
        """What is waited for comes."""


async def test_all_that_a_write_waits_for_takes_five_seconds_together(path: Path) -> None:
    await open_sqlite(path, METADATA, 1).close()
    moments, other = Moments(), WriteLock(path)
    writer = Writer(writer_engine(path), path, RecentErrors(), moments)
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        await other.take(patience(PATIENCE))
        holder.execute("BEGIN IMMEDIATE")
        # the turn comes after four seconds, and SQLite's lock never
        moments.comes_after, moments.came = 4.0, other.give  # type: ignore[method-assign]
        with pytest.raises(Unavailable, match="locked by another process"):
            await writer.run(add)
        assert moments.time == pytest.approx(5.0, abs=0.02)
        holder.execute("ROLLBACK")
    await writer.run(add)
    await writer.close()
    other.close()


async def test_each_write_has_its_five_seconds(path: Path) -> None:
    """One that came later goes on waiting when the first one has given up."""
    await open_sqlite(path, METADATA, 1).close()
    moments = Moments()
    writer = Writer(writer_engine(path), path, RecentErrors(), moments)
    ended: list[tuple[str, float]] = []

    async def write(name: str) -> None:
        with pytest.raises(Unavailable):
            await writer.run(add)
        ended.append((name, round(moments.time, 1)))

    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        writes = [asyncio.create_task(write("first"))]
        for at in (2.0, 4.0):
            while moments.time < at:  # noqa: ASYNC110 - by the writer's own clock
                await asyncio.sleep(0)
            writes.append(asyncio.create_task(write(f"at {at:.0f}")))
        await asyncio.gather(*writes)
    assert ended == [("first", 5.0), ("at 2", 7.0), ("at 4", 9.0)]
    await writer.close()
