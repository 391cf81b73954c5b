"""A `Database` whose transactions seal and open bodies.

Keys are fetched before a job runs, never within its transaction: a job that meets one that is not
at hand is rolled back, and run again once it is there (see `Database`, rule 3).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, Row, bindparam, select

from systemzero_core.errors import FailedPrecondition
from systemzero_storage.database import (
    Database,
    DatabaseSettings,
    Schema,
    TenantConnection,
    TenantDatabase,
    open_database,
)
from systemzero_storage.protocol import Load
from systemzero_storage.sealing import tables
from systemzero_storage.sealing.kek import Keks
from systemzero_storage.sealing.keyring import Keyring, belongs
from systemzero_storage.sealing.keys import KeyLost, KeysWanted
from systemzero_storage.sealing.settings import EncryptionSettings, load_keks

T = TypeVar("T")
Job = Callable[[TenantConnection], T]
AnyRow = Row[*tuple[Any, ...]]

_TRIES: Final = 4
"""A job may want a key to read with, then one to seal with, which may be destroyed meanwhile."""


class SealedDatabase:
    """See `Database`; without key-encryption keys, bodies stay as they are."""

    def __init__(self, database: Database, schema: Schema, keks: Keks | None) -> None:
        self._database = database
        self.name = database.name
        self.is_file = database.is_file
        self.notifier = database.notifier
        self._service = schema.name
        self._table = schema.metadata.tables[tables.NAME]
        self._keks = keks
        self._keyring = None if keks is None else Keyring(database, self._table, schema.name, keks)

    def of(self, tenant: str) -> TenantDatabase:
        """See `Database.of`."""
        own = self._database.of(tenant)
        return own if self._keyring is None else SealedTenant(own, tenant, self._keyring)

    async def read(self, job: Callable[[Connection], T]) -> T:
        """See `Database.read`."""
        return await self._database.read(job)

    async def write(self, job: Callable[[Connection], T]) -> T:
        """See `Database.write`."""
        return await self._database.write(job)

    async def check(self) -> None:
        """See `Database.check`."""
        await self._database.check()

    def load(self) -> Load:
        """See `Database.load`."""
        return self._database.load()

    async def close(self) -> None:
        """See `Database.close`."""
        await self._database.close()

    async def check_keys(self) -> None:
        """Check at start that what is sealed can be opened.

        Raises:
            FailedPrecondition: there are data keys, and no KEK is configured that unwraps them.
            Unavailable: the key server does not answer, or refuses.
            DataCorrupted: a data key was altered.
        """
        samples = await self._database.read(self._samples)
        if self._keks is None:
            if samples:
                keks = ", ".join(row.kek for row in samples)
                raise FailedPrecondition(
                    f"{self._service}: bodies are sealed with data keys that {keks} wraps: "
                    "configure it in `encryption`"
                )
            return
        await self._keks.probe()
        for row in samples:
            associated = belongs(self._service, row.tenant, row.number)
            await self._keks.unwrap(row.kek, bytes(row.wrapped), associated)

    def _samples(self, connection: Connection) -> list[AnyRow]:
        """One data key of each KEK that wraps any."""
        columns = self._table.c
        wrapped = columns.wrapped.is_not(None)
        keks = connection.execute(select(columns.kek).where(wrapped).distinct()).scalars().all()
        some = select(self._table).where(wrapped, columns.kek == bindparam("of_kek")).limit(1)
        return [connection.execute(some, {"of_kek": kek}).one() for kek in sorted(keks)]


class SealedTenant:
    """The transactions of one tenant; see `SealedDatabase.of`."""

    def __init__(self, database: TenantDatabase, tenant: str, keyring: Keyring) -> None:
        self._database = database
        self._tenant = tenant
        self._keyring = keyring

    async def read(self, job: Job[T]) -> T:
        """See `TenantDatabase.read`."""
        return await self._run(self._database.read, job)

    async def look_up(self, job: Job[T]) -> T:
        """See `TenantDatabase.look_up`."""
        return await self._run(self._database.look_up, job)

    async def write(self, job: Job[T]) -> T:
        """See `TenantDatabase.write`."""
        return await self._run(self._database.write, job)

    async def _run(self, run: Callable[[Job[T]], Awaitable[T]], job: Job[T]) -> T:
        keys = await self._keyring.of(self._tenant)
        for _ in range(_TRIES):
            bodies = self._keyring.bodies(keys)
            try:
                return await run(lambda c, b=bodies: job(c.with_bodies(b)))  # type: ignore[misc]
            except KeysWanted as wanted:
                missing = wanted
            keys = await self._keyring.renewed(self._tenant, keys, to_seal=missing.to_seal)
        raise KeyLost(self._tenant, str(missing))


def open_sealed(
    folder: Path, schema: Schema, settings: DatabaseSettings, encryption: EncryptionSettings
) -> SealedDatabase:
    """The database of `open_database`, with bodies sealed as `encryption` says.

    Call `check_keys` before anything else.

    Raises:
        ConfigError: the settings contradict themselves, or a file can't be used.
        SchemaMismatch, FailedPrecondition, Unavailable, DataCorrupted: see `open_database`.
    """
    keks = load_keks(encryption)
    return SealedDatabase(open_database(folder, schema, settings), schema, keks)


def with_keys(database: Database, schema: Schema, keks: Keks | None) -> Database:
    """`database`, with bodies sealed if those of `schema` can be."""
    if tables.NAME not in schema.metadata.tables:
        return database
    return SealedDatabase(database, schema, keks)
