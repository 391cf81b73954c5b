"""The database on a real PostgreSQL: connections that go, commits, locks, roles."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, Table, Text, func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from systemzero_base.settings.config import ConfigError
from systemzero_core.errors import FailedPrecondition, Unavailable
from systemzero_storage.database import TENANT, DatabaseSettings, SchemaMismatch, TenantConnection
from systemzero_storage.postgres import batching
from systemzero_storage.postgres import database as module
from systemzero_storage.postgres.database import PostgresDatabase, open_postgres
from systemzero_storage.postgres.provision import use_schema
from tests.support import postgres as support
from tests.support.gate import gate_before
from tests.support.patience import PATIENCE
from tests.support.postgres import SETTINGS, Server
from tests.support.proxy import Proxy, proxied

METADATA = MetaData()
NOTES = Table(
    "notes",
    METADATA,
    Column("position", Integer, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("text", Text, nullable=False, unique=True),
)
_TEXTS = select(NOTES.c.text).where(NOTES.c.tenant == TENANT).order_by(NOTES.c.position)


def add(text: str) -> Callable[[TenantConnection], None]:
    return lambda c: c.execute(insert(NOTES), {"text": text}).close()


def texts(connection: TenantConnection) -> list[str]:
    return list(connection.execute(_TEXTS).scalars())


def sql(statement: str) -> Callable[[Connection], object]:
    return lambda c: c.exec_driver_sql(statement).scalar()


def _in_schema(connection: Connection, schema: str) -> Connection:
    use_schema(connection, schema)
    return connection


@pytest.fixture
async def database(postgres: Server) -> AsyncIterator[PostgresDatabase]:
    opened = postgres.open(METADATA, 1)
    yield opened
    await opened.close()


@asynccontextmanager
async def behind_proxy(server: Server) -> AsyncIterator[tuple[PostgresDatabase, Proxy]]:
    """A database that is reached through a proxy."""
    url = make_url(server.url)
    async with proxied(url.host or "", url.port or 5432) as proxy:
        detour = url.set(host="127.0.0.1", port=proxy.port).render_as_string(hide_password=False)
        schema = server.provision(METADATA, 1)
        opened = await asyncio.to_thread(open_postgres, detour, schema, 1, SETTINGS)
        yield opened, proxy
        await opened.close()


async def test_a_server_that_hangs_is_given_up_and_used_again_when_it_answers(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "RECONNECT_SECONDS", 0.0)
    monkeypatch.setattr(module, "_CONNECT_SECONDS", 2.0)
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.5)
    url, quick = make_url(postgres.url), DatabaseSettings(pool=2, statement_timeout=1.0)
    async with gate_before(url.host or "", url.port or 5432) as gate:
        detour = url.set(host="127.0.0.1", port=gate.port).render_as_string(hide_password=False)
        schema = postgres.provision(METADATA, 1)
        database = await asyncio.to_thread(open_postgres, detour, schema, 1, quick)
        acme = database.of("acme")
        await acme.write(add("before"))
        with gate.shut():
            for _ in range(3):
                with pytest.raises(Unavailable):
                    await acme.read(texts)
                with pytest.raises(Unavailable):
                    await acme.write(add("meanwhile"))
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(Unavailable):
                    await acme.write(add("after"))
                    break
        assert {"before", "after"} <= set(await acme.read(texts))
        await database.close()


async def test_a_database_is_closed_while_its_server_hangs(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = make_url(postgres.url)
    async with gate_before(url.host or "", url.port or 5432) as gate:
        detour = url.set(host="127.0.0.1", port=gate.port).render_as_string(hide_password=False)
        schema = postgres.provision(METADATA, 1)
        database = await asyncio.to_thread(open_postgres, detour, schema, 1, SETTINGS)
        await database.of("acme").write(add("before"))
        with gate.shut():
            await asyncio.wait_for(database.close(), PATIENCE)


@pytest.mark.parametrize("pass_on", [True, False], ids=["it committed", "it did not"])
@pytest.mark.parametrize("jobs", [1, 5])
async def test_a_commit_whose_answer_is_lost_takes_effect_once(
    postgres: Server, jobs: int, pass_on: bool
) -> None:
    async with behind_proxy(postgres) as (database, proxy):
        acme = database.of("acme")
        await acme.write(add("before"))
        proxy.cut, proxy.pass_on = b"; COMMIT", pass_on
        await asyncio.gather(*(acme.write(add(str(n))) for n in range(jobs)))
        assert proxy.cuts == 1
        assert await acme.read(texts) == ["before", *map(str, range(jobs))]


async def test_a_connection_that_goes_within_a_job_is_not_noticed(postgres: Server) -> None:
    async with behind_proxy(postgres) as (database, proxy):
        acme = database.of("acme")
        proxy.cut = b"this one"
        await acme.write(add("this one"))
        proxy.cut = b"SELECT notes"
        assert await acme.read(texts) == ["this one"]
        assert proxy.cuts == 2


async def test_a_commit_of_unknown_outcome_says_so(
    postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batching, "RECONNECT_SECONDS", 0.0)
    async with behind_proxy(postgres) as (database, proxy):
        await database.of("acme").write(add("before"))
        proxy.cut = b"; COMMIT"
        with pytest.raises(Unavailable, match="may or may not hold"):
            await database.of("acme").write(add("a"))
        await database.of("acme").write(add("b"))
        assert (await database.of("acme").read(texts))[-1] == "b"


async def test_connections_that_the_server_ends_are_not_noticed(
    database: PostgresDatabase, postgres: Server
) -> None:
    async def work(n: int) -> None:
        await database.of(f"t{n % 3}").write(add(f"{n}"))
        await database.of(f"t{n % 3}").read(texts)

    end = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'ROLE'"
    running = asyncio.gather(*map(work, range(60)))
    for _ in range(5):
        await asyncio.to_thread(
            postgres.run, sql(end.replace("ROLE", support.ROLE)), postgres.superuser
        )
    await running
    seen = [text for n in range(3) for text in await database.of(f"t{n}").read(texts)]
    assert sorted(seen, key=int) == [str(n) for n in range(60)]


async def test_a_killed_server_that_comes_back_loses_nothing_acknowledged() -> None:
    acknowledged: list[str] = []

    async def write(database: PostgresDatabase, worker: int) -> None:
        for n in range(40):
            await database.of("acme").write(add(f"{worker}.{n}"))
            acknowledged.append(f"{worker}.{n}")

    with support.process("fsync=off") as process:
        process.start()
        server = Server(process.url)
        database = server.open(METADATA, 1)
        writers = asyncio.gather(*(write(database, worker) for worker in range(4)))
        for least in (20, 60):
            while len(acknowledged) < least and not writers.done():  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0)
            await asyncio.to_thread(process.stop, signal.SIGKILL)
            await asyncio.to_thread(process.start)
        await writers
        assert sorted(await database.of("acme").read(texts)) == sorted(acknowledged)
        await database.close()


async def test_a_server_that_stays_away_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batching, "RECONNECT_SECONDS", 0.1)
    with support.process() as process:
        process.start()
        database = Server(process.url).open(METADATA, 1)
        process.stop()
        with pytest.raises(Unavailable, match="does not answer"):
            await database.of("acme").write(add("a"))
        with pytest.raises(Unavailable, match="does not answer"):
            await database.of("acme").read(texts)
        process.start()
        await database.of("acme").write(add("b"))
        assert await database.of("acme").read(texts) == ["b"]
        await database.close()


async def test_positions_become_visible_in_their_order_whoever_writes(postgres: Server) -> None:
    """Two processes' worth of writers, and a follower who never looks back."""
    schema = postgres.provision(METADATA, 1)
    databases = [open_postgres(postgres.url, schema, 1, SETTINGS) for _ in range(2)]
    after = select(NOTES.c.position).where(NOTES.c.tenant == TENANT).order_by(NOTES.c.position)
    seen: list[int] = []

    async def write(worker: int) -> None:
        for n in range(30):
            await databases[worker % 2].of("acme").write(add(f"{worker}.{n}"))
            await databases[worker % 2].of("other").write(add(f"other {worker}.{n}"))

    def follow(connection: TenantConnection) -> list[int]:
        last = seen[-1] if seen else 0
        return list(connection.execute(after.where(NOTES.c.position > last)).scalars())

    writers = asyncio.gather(*map(write, range(4)))
    while len(seen) < 120 and not (seen and writers.done()):
        seen += await databases[0].of("acme").read(follow)
    await writers
    assert seen == sorted(set(seen))
    for database in databases:
        await database.close()


async def test_one_tenants_writers_do_not_wait_for_anothers(
    database: PostgresDatabase, postgres: Server
) -> None:
    schema = await database.read(sql("SELECT current_schema()"))
    other = open_postgres(postgres.url, str(schema), 1, SETTINGS)
    with support.held(postgres, str(schema), "acme"):
        blocked = asyncio.create_task(database.of("acme").write(add("late")))
        await other.of("other").write(add("at once"))
        assert await database.of("acme").read(texts) == []
        assert not blocked.done()
    await blocked
    await other.close()


async def test_locks_connections_and_statements_are_waited_for_within_bounds(
    postgres: Server,
) -> None:
    schema = postgres.provision(METADATA, 1)
    settings = (
        DatabaseSettings(pool=1, lock_timeout=0.05),
        DatabaseSettings(pool=1, statement_timeout=0.2),
        DatabaseSettings(
            pool=1, pool_timeout=0.05, lock_timeout=PATIENCE, statement_timeout=PATIENCE
        ),
    )
    locking, stating, pooling = (open_postgres(postgres.url, schema, 1, each) for each in settings)
    with support.held(postgres, schema, "acme"):
        with pytest.raises(Unavailable, match="lock"):
            await locking.of("acme").write(add("a"))
        busy = asyncio.create_task(pooling.read(sql(support.take_lock(schema, "acme"))))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="in use"):
            await pooling.of("acme").read(texts)
    with pytest.raises(Unavailable, match="too long"):
        await stating.read(sql("SELECT pg_sleep(600)"))
    await busy
    await pooling.of("acme").write(add("b"))
    await locking.of("acme").write(add("c"))
    assert await locking.of("acme").read(texts) == ["b", "c"]
    for database in (locking, stating, pooling):
        await database.close()


async def test_a_job_that_fails_is_rolled_back_alone(database: PostgresDatabase) -> None:
    def fail(connection: TenantConnection) -> None:
        add("never")(connection)
        raise LookupError("mine")

    acme = database.of("acme")
    jobs = [add("a"), fail, add("b"), add("a"), fail, add("c"), fail]
    results = await asyncio.gather(*map(acme.write, jobs), return_exceptions=True)
    kinds = [type(None), LookupError, type(None), IntegrityError, LookupError, type(None)]
    assert [type(result) for result in results] == [*kinds, LookupError]
    assert await acme.read(texts) == ["a", "b", "c"]


async def test_jobs_that_wait_share_a_commit(database: PostgresDatabase) -> None:
    acme = database.of("acme")
    await asyncio.gather(*(acme.write(add(str(n))) for n in range(100)))
    batches = await database.read(sql("SELECT number FROM batches"))
    assert batches in (2, 3)
    assert len(await acme.read(texts)) == 100


async def test_a_snapshot_is_one(database: PostgresDatabase, postgres: Server) -> None:
    schema = await database.read(sql("SELECT current_schema()"))

    def twice(connection: TenantConnection) -> list[int]:
        counts = []
        for _ in range(2):
            statement = select(func.count()).select_from(NOTES).where(NOTES.c.tenant == TENANT)
            counts.append(connection.execute(statement).scalar_one())
            row = insert(NOTES).values(tenant="acme", text=str(len(counts)))
            postgres.run(lambda c, r=row: _in_schema(c, str(schema)).execute(r), postgres.root_url)  # type: ignore[misc]
        return counts

    assert await database.of("acme").read(twice) == [0, 0]
    assert len(await database.of("acme").read(texts)) == 2


async def test_a_read_cannot_write(database: PostgresDatabase) -> None:
    with pytest.raises(Unavailable, match="not writable"):
        await database.of("acme").read(add("a"))


async def test_a_closed_database_takes_nothing(postgres: Server) -> None:
    database = postgres.open(METADATA, 1)
    accepted = [asyncio.create_task(database.of("acme").write(add(str(n)))) for n in range(3)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*accepted)
    with pytest.raises(Unavailable, match="closed"):
        await database.of("acme").write(add("a"))


async def test_row_level_security_holds_when_the_code_does_not(database: PostgresDatabase) -> None:
    """The code's scope removed: plain SQL, in a transaction of another tenant."""
    await database.of("acme").write(add("secret"))

    def across(connection: TenantConnection) -> list[object]:
        run = connection.unscoped.exec_driver_sql
        return [
            run("SELECT count(*) FROM notes").scalar(),
            run("UPDATE notes SET text = 'mine'").rowcount,
            run("DELETE FROM notes").rowcount,
        ]

    def smuggle(connection: TenantConnection) -> None:
        statement = "INSERT INTO notes (tenant, text) VALUES ('acme', 'forged')"
        connection.unscoped.exec_driver_sql(statement)

    assert await database.of("other").write(across) == [0, 0, 0]
    with pytest.raises(Exception, match="row-level security"):
        await database.of("other").write(smuggle)
    assert await database.of("acme").read(texts) == ["secret"]


async def test_a_tenants_name_is_never_sql(database: PostgresDatabase) -> None:
    name = "a'); DROP TABLE notes; --\\ é"
    await database.of(name).write(add("a"))
    assert await database.of(name).read(texts) == ["a"]
    assert await database.of("acme").read(texts) == []


@pytest.mark.parametrize("name", ["", "*"])
async def test_no_tenant_is_no_tenant(database: PostgresDatabase, name: str) -> None:
    with pytest.raises(ValueError, match="no tenant"):
        database.of(name)


@pytest.mark.parametrize(("found", "advice"), [(1, "migrate"), (3, "later release")])
def test_another_schema_version_is_refused(postgres: Server, found: int, advice: str) -> None:
    schema = postgres.provision(METADATA, found)
    with pytest.raises(SchemaMismatch, match=advice) as caught:
        open_postgres(postgres.url, schema, 2, SETTINGS)
    assert caught.value.metadata == {"found": str(found), "wanted": "2"}


def test_a_schema_that_is_not_there_is_named(postgres: Server) -> None:
    with pytest.raises(SchemaMismatch, match=r"no schema nowhere.*sz-admin migrate"):
        open_postgres(postgres.url, "nowhere", 1, SETTINGS)


def test_a_role_above_row_level_security_is_refused(postgres: Server) -> None:
    schema = postgres.provision(METADATA, 1)
    with pytest.raises(FailedPrecondition, match="owns the tables"):
        open_postgres(postgres.owner_url, schema, 1, SETTINGS)
    with pytest.raises(FailedPrecondition, match="bypasses"):
        open_postgres(postgres.root_url, schema, 1, SETTINGS)


def test_what_cannot_be_opened_is_named_without_its_password(postgres: Server) -> None:
    url = make_url(postgres.url)
    for wrong, said in (
        (url.set(password="hunter2"), "password authentication failed"),
        (url.set(port=1), "does not answer"),
        (url.set(database="nowhere"), "does not exist"),
    ):
        with pytest.raises(Unavailable, match=said) as caught:
            open_postgres(wrong.render_as_string(hide_password=False), "s", 1, SETTINGS)
        assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://u:hunter2@h/d", "no url: hunter2"])
def test_what_is_no_url_of_postgresql_is_refused(url: str) -> None:
    with pytest.raises(ConfigError, match="URL") as caught:
        open_postgres(url, "s", 1, SETTINGS)
    assert "hunter2" not in str(caught.value)
