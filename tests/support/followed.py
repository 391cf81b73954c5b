"""A table that is followed, over each kind of database, as several processes have it open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

import msgspec
from sqlalchemy import BigInteger, Column, Integer, MetaData, Table, Text, bindparam, func, select
from sqlalchemy import insert as inserting

from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Loops
from systemzero_storage.database import TENANT, Database, TenantConnection, open_sqlite
from systemzero_storage.following import Followers
from systemzero_storage.postgres.database import open_postgres
from tests.support.patience import PATIENCE
from tests.support.postgres import SETTINGS, Server

METADATA = MetaData()
NEWS = Table(
    "news",
    METADATA,
    Column(
        "position",
        BigInteger().with_variant(Integer, "sqlite"),
        primary_key=True,
        autoincrement=True,
    ),
    Column("tenant", Text, nullable=False),
    Column("text", Text, nullable=False),
    sqlite_autoincrement=True,
)
_OWN = NEWS.c.tenant == TENANT
_AFTER = (
    select(NEWS.c.position, NEWS.c.text)
    .where(_OWN, NEWS.c.position > bindparam("after"))
    .order_by(NEWS.c.position)
    .limit(bindparam("count"))
)
_LAST = select(func.coalesce(func.max(NEWS.c.position), 0)).where(_OWN)

T = TypeVar("T")
Open = Callable[[], Database]
"""Opens the same database once more, as another process would."""


class Row(msgspec.Struct, frozen=True):
    """A row of the table."""

    position: int
    text: str


class Process:
    """What a process has of the table: a store, and followers that its streams share."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.reads = 0
        self.error: Exception | None = None
        self.held: dict[int, asyncio.Event] = {}  # what was read from there is given when set
        self.reading = asyncio.Event()  # one is held
        self.followers: Followers[Row] = Followers(
            database.notifier, NEWS, self.last, self.after, lambda row: len(row.text)
        )

    async def last(self, tenant: str) -> int:
        def job(connection: TenantConnection) -> int:
            return int(connection.execute(_LAST).scalar_one())

        return await self._read(tenant, job)

    async def after(self, tenant: str, position: int, count: int) -> Sequence[Row]:
        def job(connection: TenantConnection) -> list[Row]:
            values = {"after": position, "count": count}
            return [Row(*found) for found in connection.execute(_AFTER, values)]

        found = await self._read(tenant, job)
        if position in self.held:
            self.reading.set()
            await self.held[position].wait()
        return found

    async def _read(self, tenant: str, job: Callable[[TenantConnection], T]) -> T:
        self.reads += 1
        if self.error is not None:
            raise self.error
        return await self.database.of(tenant).read(job)

    async def write(
        self, *texts: str, tenant: str = "acme", within: Callable[[], object] = lambda: None
    ) -> None:
        """One commit; `within` is called before it."""

        def job(connection: TenantConnection) -> None:
            connection.execute(inserting(NEWS), [{"text": text} for text in texts]).close()
            within()
            connection.after_commit(self.database.notifier.notify, NEWS, tenant)

        await self.database.of(tenant).write(job)


@asynccontextmanager
async def processes(
    opened: Open, count: int, *, hearing: bool = True
) -> AsyncIterator[list[Process]]:
    """So many processes over one database; those that are `hearing` hear what the others wrote."""
    made = [Process(await asyncio.to_thread(opened)) for _ in range(count)]
    loops = Loops("test", get_logger("test"))
    rounds = [
        loops.new("notifier", each.database.notifier.round, pause=each.database.notifier.pause)
        for each in made
        if hearing
    ]
    for each in rounds:
        each.start()
    try:
        yield made
    finally:
        for each in rounds:
            await each.stop()
        for process in made:
            await process.database.close()


class Watch:
    """A stream that follows the table; what it got, in its order."""

    def __init__(self, process: Process, position: int = 0, tenant: str = "acme") -> None:
        self.position = position
        self.seen: list[str] = []
        self.error: Exception | None = None
        self._process = process
        self._tenant = tenant
        self._got = asyncio.Event()
        self._free = asyncio.Event()
        self._free.set()
        self._task = asyncio.create_task(self._run())

    def stall(self) -> None:
        """Take nothing from now on."""
        self._free.clear()

    def go_on(self) -> None:
        """Take what comes."""
        self._free.set()

    async def until(self, *texts: str) -> None:
        """Wait until it got these, and nothing else."""
        async with asyncio.timeout(PATIENCE):
            while len(self.seen) < len(texts) and self.error is None:
                await self._got.wait()
                self._got.clear()
        assert self.seen == list(texts)

    async def failed(self) -> Exception:
        """Wait until it ends with an error."""
        async with asyncio.timeout(PATIENCE):
            await self._task
        assert self.error is not None
        return self.error

    async def close(self) -> None:
        """Go away."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        try:
            with self._process.followers.of(self._tenant) as follower:
                async with aclosing(follower.rows(self.position)) as rows:
                    async for row in rows:
                        self.position = row.position
                        self.seen.append(row.text)
                        self._got.set()
                        await self._free.wait()
        except Exception as error:  # noqa: BLE001 - for `failed`
            self.error = error
            self._got.set()


def on_sqlite(folder: Path) -> Open:
    """One file."""
    return lambda: open_sqlite(folder / "news.db", METADATA, 1)


def on_postgres(server: Server) -> Open:
    """One schema."""
    schema = server.provision(METADATA, 1)
    return lambda: open_postgres(server.url, schema, 1, SETTINGS)
