"""PostgreSQL, for more than one machine: a pool of asyncpg's connections, jobs run on the loop.

Any number of processes share a database. A service has a schema of its own in it, which its owner
makes and migrates (`sz-admin migrate`); the service itself connects with a role that owns nothing,
so that row-level security holds it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, TypeVar

import asyncpg
from sqlalchemy import URL, Connection, MetaData, NullPool, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from systemzero_base.settings.config import ConfigError
from systemzero_core.errors import FailedPrecondition, Unavailable
from systemzero_storage.following.notifier import Notifier
from systemzero_storage.jobs.errors import is_lost, translated
from systemzero_storage.jobs.trouble import RecentErrors
from systemzero_storage.postgres.batching import Batches, reconnecting
from systemzero_storage.postgres.blocking import run_blocking
from systemzero_storage.postgres.listening import PostgresNotifier
from systemzero_storage.postgres.sessions import SessionFactory
from systemzero_storage.protocol import Load
from systemzero_storage.schema import check_not_older, check_schema
from systemzero_storage.settings import DatabaseSettings
from systemzero_storage.tenancy.foreign import check_nothing_foreign
from systemzero_storage.tenancy.tenant import (
    EVERY_TENANT,
    TenantConnection,
    TenantDatabase,
    Write,
    check_tenant,
)

T = TypeVar("T")

_CONNECT_SECONDS: Final = 5.0
_ANSWER_SECONDS: Final = 5.0
"""What an answer may take beyond the time that the server itself gives a statement."""


class PostgresDatabase:
    """A `Database` in one schema on PostgreSQL; see `open_postgres`. For one event loop."""

    is_file = False

    def __init__(
        self, sessions: SessionFactory, version: int, pool: int, notifier: PostgresNotifier
    ) -> None:
        """`version` is the schema's, `pool` how many connections there may be."""
        self.name = sessions.schema
        self.notifier: Notifier = notifier
        self._version = version
        self._pool = pool
        self._sessions = sessions
        self._trouble = RecentErrors()
        self._writers: dict[str, Batches] = {}
        self._closed = False

    def of(self, tenant: str) -> TenantDatabase:
        """See `Database.of`."""
        return _Tenant(self, check_tenant(tenant))

    async def read(self, job: Callable[[Connection], T]) -> T:
        """See `Database.read`."""
        return await self.read_as(EVERY_TENANT, job)

    async def write(self, job: Callable[[Connection], T]) -> T:
        """See `Database.write`; jobs that wait at the same time share one commit."""
        return await self.write_as(EVERY_TENANT, job)

    async def read_as(self, tenant: str, job: Callable[[Connection], T]) -> T:
        """See `Database.read`, under row-level security for `tenant`."""

        async def attempt() -> T:
            async with self._sessions.reading(tenant) as session:
                return await session.run(job)

        self._check_open()
        try:
            return await reconnecting(attempt)
        except Exception as error:  # noqa: BLE001 - raised again, in other words
            raise translated(error)  # noqa: B904 - it has its cause, or is the error itself

    async def write_as(self, tenant: str, job: Callable[[Connection], T]) -> T:
        """See `Database.write`, under row-level security for `tenant`."""
        self._check_open()
        if tenant not in self._writers:
            self._writers[tenant] = Batches(self._sessions, tenant, self._trouble)
        return await self._writers[tenant].run(job)

    async def check(self) -> None:
        """See `Database.check`; nothing is tried twice but what a lost connection may explain."""
        self._check_open()
        try:
            try:
                await self._check_schema()
            except Exception as error:
                if not is_lost(error):
                    raise
                await self._check_schema()
        except Exception as error:  # noqa: BLE001 - raised again, in other words
            raise translated(error)  # noqa: B904 - it has its cause, or is the error itself

    async def _check_schema(self) -> None:
        async with self._sessions.reading(EVERY_TENANT) as session:
            await session.run(lambda c: check_not_older(c, self._version))
        if self._trouble.of_writing is not None:
            await self.write(lambda _: None)  # a batch without statements writes its number

    def load(self) -> Load:
        """See `Database.load`."""
        waiting = sum(map(len, self._writers.values()))
        return Load(waiting, self._sessions.in_use, self._pool)

    async def close(self) -> None:
        """See `Database.close`."""
        self._closed = True
        for writer in list(self._writers.values()):
            await writer.finish()
        await self.notifier.close()
        # a server that hangs does not take leave: it sees the connections end with the process
        with suppress(TimeoutError):
            async with asyncio.timeout(_CONNECT_SECONDS):
                await self.notifier.idle()
                await self._sessions.close()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the database is closed")


class _Tenant:
    def __init__(self, database: PostgresDatabase, tenant: str) -> None:
        self._database = database
        self._tenant = tenant

    async def read(self, job: Callable[[TenantConnection], T]) -> T:
        return await self._database.read_as(
            self._tenant, lambda c: job(TenantConnection(c, self._tenant))
        )

    async def look_up(self, job: Callable[[TenantConnection], T]) -> T:
        return await self.read(job)

    async def write(self, job: Callable[[TenantConnection], T]) -> T:
        return await self._database.write_as(self._tenant, Write(self._tenant, job))


def open_postgres(
    url: str,
    schema: str,
    schema_version: int,
    settings: DatabaseSettings | None = None,
    metadata: MetaData | None = None,
) -> PostgresDatabase:
    """Open the service's `schema` in the database at `url`. Blocks; for the start of a service.

    `metadata` are its tables, by which code is found that is not its own; not looked for if None.

    Raises:
        SchemaMismatch: the schema is not there, or has another version.
        FailedPrecondition: the role is one that row-level security does not hold.
        ForeignCode: there is code in the schema that is not its own.
        ConfigError: the URL is not one of PostgreSQL.
        Unavailable: the database does not answer, or refuses the role.
    """
    chosen = settings or DatabaseSettings()
    engine = service_engine(url, schema, chosen)
    sessions = SessionFactory(engine, schema)

    async def check() -> None:
        # an engine of its own: connections belong to the event loop they were made in
        probe = service_engine(url, schema, chosen, poolclass=NullPool)
        async with SessionFactory(probe, schema).reading(EVERY_TENANT) as session:
            await session.run(_check_role)
            await session.run(lambda c: check_schema(c, schema_version, schema))
            if metadata is not None:
                await session.run(lambda c: check_nothing_foreign(c, metadata))

    try:
        run_blocking(check())
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise refusal(url, error) from error
    notifier = PostgresNotifier(connector(url, schema, chosen), schema)
    return PostgresDatabase(sessions, schema_version, chosen.pool, notifier)


def service_engine(
    url: str, schema: str, settings: DatabaseSettings, **options: Any
) -> AsyncEngine:
    """An engine in autocommit, whose connections see `schema` alone.

    Raises:
        ConfigError: the URL is not one of PostgreSQL.
    """
    if not options:
        options = {
            "pool_size": settings.pool,
            "max_overflow": 0,
            "pool_timeout": settings.pool_timeout,
        }
    return create_async_engine(
        driver_url(url),
        isolation_level="AUTOCOMMIT",
        connect_args=_connect_args(schema, settings),
        **options,
    )


def connector(
    url: str, schema: str, settings: DatabaseSettings
) -> Callable[[], Awaitable[asyncpg.Connection]]:
    """What makes connections as those of `service_engine`, without SQLAlchemy.

    Raises:
        ConfigError: the URL is not one of PostgreSQL.
    """
    address = driver_url(url)
    _, options = address.get_dialect()().create_connect_args(address)
    for of_sqlalchemy in ("prepared_statement_cache_size", "prepared_statement_name_func"):
        options.pop(of_sqlalchemy, None)
    return partial(asyncpg.connect, **options, **_connect_args(schema, settings))


def _connect_args(schema: str, settings: DatabaseSettings) -> dict[str, Any]:
    milliseconds = {
        "statement_timeout": settings.statement_timeout,
        "lock_timeout": settings.lock_timeout,
        "idle_in_transaction_session_timeout": settings.statement_timeout,
    }
    server = {
        "application_name": f"systemzero {schema}",
        "search_path": schema,
        "synchronous_commit": "on",  # a commit that is acknowledged is on the disk
        # A plan is kept, and may have been made while its table was small: then a scan looks cheap,
        # and goes on through all of a tenant's rows until the next ANALYZE.
        "enable_seqscan": "off",
        "enable_bitmapscan": "off",
        "jit": "off",  # short statements: compiling them takes longer than running them
        **{name: str(round(seconds * 1000)) for name, seconds in milliseconds.items()},
    }
    return {
        "server_settings": server,
        "timeout": _CONNECT_SECONDS,
        # a server that hangs, or is cut off without a word, ends no statement by itself
        "command_timeout": settings.statement_timeout + _ANSWER_SECONDS,
    }


def driver_url(url: str) -> URL:
    """`url` for SQLAlchemy with asyncpg.

    Raises:
        ConfigError: it is not one of PostgreSQL; the message does not repeat it: it may be secret.
    """
    try:
        parsed = make_url(url.strip())
    except ArgumentError:
        raise ConfigError("configuration: database: not a URL") from None
    if parsed.get_backend_name() not in ("postgresql", "postgres"):
        raise ConfigError("configuration: database: the URL must begin with postgresql://")
    return parsed.set(drivername="postgresql+asyncpg")


_ROLE = (
    "SELECT r.rolname, r.rolsuper OR r.rolbypassrls, "
    "EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid AND c.relkind = 'r' "
    "AND c.relnamespace = current_schema()::regnamespace) "
    "FROM pg_roles r WHERE r.rolname = current_user"
)


def _check_role(connection: Connection) -> None:
    name, above, owner = connection.exec_driver_sql(_ROLE).one()
    if above or owner:
        what = "owns the tables" if owner else "bypasses row-level security"
        raise FailedPrecondition(
            f"the database role {name} {what}: connect with the role that "
            "`sz-admin migrate --role` granted access to, so that tenants are held apart"
        )


def refusal(address: str, error: Exception) -> Unavailable:
    """What to tell of a database that can't be opened at a URL; nothing of its password."""
    url = make_url(address.strip())
    place = f"{url.host or 'the local server'}:{url.port or 5432}/{url.database or ''}"
    known = translated(error)
    # asyncpg's own words: they name role or database, never the password
    said = known.message if isinstance(known, Unavailable) else str(getattr(error, "orig", error))
    return Unavailable(f"the database at {place} cannot be opened: {said}")
