"""The log mirrored into a folder of tiles, over the real handlers, and what is wrong with such."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from systemzero_client import Client
from systemzero_client.pins import PinStore
from systemzero_client.tiles import TileFolder
from systemzero_client.verify import LogVerifier
from systemzero_core.errors import FailedPrecondition
from systemzero_core.tlog import LogVerificationError, TileFile, parse_checkpoint
from systemzero_evidence.log import LogStore
from systemzero_storage.database import SqliteDatabase, open_sqlite
from tests.support.logs import METADATA, NOW, TENANT, client_of, grow, log_on


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[SqliteDatabase]:
    opened = open_sqlite(tmp_path / "log.db", METADATA, 1)
    yield opened
    await opened.close()


@pytest.fixture
def log(database: SqliteDatabase) -> LogStore:
    return log_on(database)


@pytest.fixture
async def client(log: LogStore) -> AsyncIterator[Client]:
    async with client_of(log) as served:
        yield served


@pytest.fixture
def store(tmp_path: Path) -> PinStore:
    return PinStore(tmp_path / "pins")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "tiles"


async def mirror(client: Client, store: PinStore, folder: Path) -> int:
    report = await TileFolder(folder).update(LogVerifier(client, store=store))
    return report.checkpoint.size


def files(folder: Path) -> dict[str, bytes]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


async def test_a_mirror_grows_with_the_log_and_is_that_of_one_step(
    database: SqliteDatabase, log: LogStore, client: Client, store: PinStore, folder: Path
) -> None:
    for count in (0, 3, 252, 1, 1, 700):
        await grow(database, log, count)
        size = await mirror(client, store, folder)
        assert TileFolder(folder).verify(store=store).size == size == await log.size(TENANT)
    await mirror(client, store, folder.with_name("again"))
    whole = files(folder.with_name("again"))
    grown = files(folder)
    assert {path: grown[path] for path in whole} == whole
    assert all(".p/" in path for path in grown.keys() - whole.keys())
    assert "tile/0/000.p/3" not in grown
    assert folder.joinpath("checkpoint").stat().st_mode & 0o777 == 0o644


async def test_what_is_there_is_not_fetched_again(
    database: SqliteDatabase, log: LogStore, client: Client, store: PinStore, folder: Path
) -> None:
    await grow(database, log, 300)
    await mirror(client, store, folder)
    before = folder.joinpath("tile/entries/000").stat().st_mtime_ns
    await grow(database, log, 5)
    lines = b"".join([chunk async for chunk in client.log.export(start=300)]).splitlines()
    assert len(lines) == 1 + 5 + 1
    await mirror(client, store, folder)
    assert folder.joinpath("tile/entries/000").stat().st_mtime_ns == before


async def test_bodies_are_not_in_it_and_erasing_them_changes_nothing(
    database: SqliteDatabase, log: LogStore, client: Client, store: PinStore, folder: Path
) -> None:
    await grow(database, log, 3, "Kennwort")
    await mirror(client, store, folder)
    await database.of(TENANT).write(lambda c: log.erase(c, [1], NOW))
    assert await mirror(client, store, folder) == 4
    assert b"Kennwort" not in b"".join(files(folder).values())
    TileFolder(folder).verify(store=store)


class Torn(TileFolder):
    """Crashes after so many files were written."""

    def __init__(self, folder: Path, files: int) -> None:
        super().__init__(folder)
        self._left = files

    def _write(self, files: Iterable[TileFile]) -> None:
        for file in files:
            if not self._left:
                raise InterruptedError
            self._left -= 1
            super()._write([file])


@pytest.mark.parametrize("written", range(6))
async def test_a_crash_leaves_the_mirror_as_it_was_and_the_next_update_mends_it(
    database: SqliteDatabase,
    log: LogStore,
    client: Client,
    store: PinStore,
    folder: Path,
    written: int,
) -> None:
    await grow(database, log, 300)
    await mirror(client, store, folder)
    await grow(database, log, 300)  # a full tile and bundle, three partial ones, the checkpoint
    with pytest.raises(InterruptedError):
        await Torn(folder, written).update(LogVerifier(client, store=store))
    assert TileFolder(folder).verify(store=store, key=log.vkeys(TENANT)[0]).size == 300
    assert await mirror(client, store, folder) == 600
    assert TileFolder(folder).verify(store=store).size == 600


@pytest.mark.parametrize("path", ["checkpoint", "tile/0/000", "tile/1/000.p/1", "tile/entries/000"])
@pytest.mark.parametrize("how", ["altered", "cut", "missing"])
async def test_every_file_is_held(
    database: SqliteDatabase,
    log: LogStore,
    client: Client,
    store: PinStore,
    folder: Path,
    path: str,
    how: str,
) -> None:
    await grow(database, log, 300)
    await mirror(client, store, folder)
    file = folder / path
    data = file.read_bytes()
    if how == "missing":
        file.unlink()
    else:
        file.write_bytes(data[:-1] if how == "cut" else data[:40] + b"!" + data[41:])
    with pytest.raises(LogVerificationError) as caught:
        TileFolder(folder).verify(store=store)
    named = path.replace("entries", "0") if how == "altered" else path
    assert path == "checkpoint" or named in caught.value.message


async def test_another_log_is_not_written_over_a_mirror(
    database: SqliteDatabase,
    log: LogStore,
    client: Client,
    store: PinStore,
    folder: Path,
    tmp_path: Path,
) -> None:
    await grow(database, log, 5)
    await mirror(client, store, folder)
    before = files(folder)
    other = open_sqlite(tmp_path / "other.db", METADATA, 1)
    forged = log_on(other)
    await grow(other, forged, 9, "forged")
    async with client_of(forged) as liar:
        with pytest.raises(LogVerificationError, match="history was rewritten"):
            await mirror(liar, PinStore(tmp_path / "fresh"), folder)
    await other.close()
    assert files(folder) == before


async def test_a_mirror_of_another_history_than_the_pinned_one_is_refused(
    database: SqliteDatabase,
    log: LogStore,
    client: Client,
    store: PinStore,
    folder: Path,
    tmp_path: Path,
) -> None:
    """It is whole and well signed; but this user has verified another one."""
    await grow(database, log, 5)
    await LogVerifier(client, store=store).everything()
    other = open_sqlite(tmp_path / "other.db", METADATA, 1)
    forged = log_on(other)
    await grow(other, forged, 9, "forged")
    async with client_of(forged) as liar:
        await mirror(liar, PinStore(tmp_path / "fresh"), folder)
    await other.close()
    with pytest.raises(LogVerificationError, match="not those of the pinned checkpoint"):
        TileFolder(folder).verify(store=store)


async def test_a_mirror_is_trusted_by_a_key_alone(
    database: SqliteDatabase, log: LogStore, client: Client, store: PinStore, folder: Path
) -> None:
    await grow(database, log, 5)
    await mirror(client, store, folder)
    nobody = PinStore(folder.with_name("nobody"))
    with pytest.raises(FailedPrecondition):
        TileFolder(folder).verify(store=nobody)
    key = log.vkeys(TENANT)[0]
    newest = parse_checkpoint(await log.checkpoint(TENANT))
    assert TileFolder(folder).verify(store=nobody, key=key) == newest
