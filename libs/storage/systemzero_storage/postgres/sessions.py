"""Transactions on PostgreSQL: begun, held to a tenant, locked and ended in as few trips as can be.

The engine is in autocommit, so that neither SQLAlchemy nor asyncpg sends a BEGIN, COMMIT or
ROLLBACK of its own; each of ours goes as a script with what belongs to it, which is one trip.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from systemzero_base.telemetry.observed import current_call
from systemzero_storage.jobs.spans import StatementSpans
from systemzero_storage.tenancy.tenant import EVERY_TENANT

T = TypeVar("T")

SYSTEM: Final = "postgresql"
"""What traces call this database."""

_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Every statement of a write sees what was committed before it: after the lock, all of its tenant's.
_WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"


class Session:
    """A connection with an open transaction."""

    def __init__(
        self, connection: AsyncConnection, driver: asyncpg.Connection, spans: StatementSpans
    ) -> None:
        self._connection = connection
        self._driver = driver
        self._spans = spans

    async def run(self, job: Callable[[Connection], T]) -> T:
        """The result of `job`, done for the current call."""
        self._spans.follow(current_call())
        return await self._connection.run_sync(job)

    async def script(self, *statements: str) -> None:
        """Run statements without results, in one trip; none, in none."""
        if any(statements):
            await self._driver.execute("; ".join(statements))

    async def value(self, statement: str, *values: object) -> object:
        """The first column of the first row, or None."""
        return await self._driver.fetchval(statement, *values)


class SessionFactory:
    """Makes sessions from an engine's pool, for one schema.

    Attributes:
        schema: its name.
        in_use: how many are open, or wait for a connection.
    """

    def __init__(self, engine: AsyncEngine, schema: str) -> None:
        self._engine = engine
        self._spans = StatementSpans(engine.sync_engine, SYSTEM)
        self.schema = schema
        self.in_use = 0

    @asynccontextmanager
    async def reading(self, tenant: str) -> AsyncIterator[Session]:
        """A read-only transaction on one snapshot."""
        async with self._session(_SNAPSHOT, _held_to(tenant)) as session:
            yield session
            await session.script("COMMIT")

    @asynccontextmanager
    async def writing(self, tenant: str) -> AsyncIterator[Session]:
        """A transaction that no other one of the tenant runs beside; the caller commits it."""
        locks = _locks(self.schema, tenant)
        async with self._session(_WRITE, _held_to(tenant), *locks) as session:
            yield session

    @asynccontextmanager
    async def _session(self, *begin: str) -> AsyncIterator[Session]:
        self.in_use += 1
        try:
            async with self._engine.connect() as connection:
                raw = await connection.get_raw_connection()
                driver: asyncpg.Connection = raw.driver_connection  # type: ignore[assignment]
                session = Session(connection, driver, self._spans)
                try:
                    await session.script(*begin)
                    yield session
                except BaseException as error:
                    if not isinstance(error, Exception) or not await _rolled_back(session):
                        # cut off half-way, or gone: no other job gets it; the server frees its
                        # locks
                        driver.terminate()
                        await connection.invalidate()
                    raise
        finally:
            self.in_use -= 1

    async def close(self) -> None:
        """Close every connection."""
        await self._engine.dispose()


async def _rolled_back(session: Session) -> bool:
    try:
        await session.script("ROLLBACK")
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        return False
    return True


def _held_to(tenant: str) -> str:
    # in hexadecimal, so that no tenant's name is anything but a value
    name = f"convert_from('\\x{tenant.encode().hex()}', 'UTF8')"
    return f"SELECT set_config('systemzero.tenant', {name}, true)"


def _locks(schema: str, tenant: str) -> list[str]:
    """What a write waits for: its tenant's lock, and that nobody writes for every tenant."""
    everything = lock_key(schema, EVERY_TENANT)
    if tenant == EVERY_TENANT:
        return [f"SELECT pg_advisory_xact_lock({everything})"]
    shared = f"SELECT pg_advisory_xact_lock_shared({everything})"
    return [shared, f"SELECT pg_advisory_xact_lock({lock_key(schema, tenant)})"]


def lock_key(schema: str, tenant: str) -> int:
    """The number of the advisory lock that writes of a tenant take."""
    digest = hashlib.blake2b(f"{schema}\n{tenant}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
