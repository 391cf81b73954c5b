"""Brings a database to the newest schema, with Alembic: what `sz-admin migrate` does.

1. All migrations of a schema are one transaction: it is at the newest version, or where it was.
2. A database of a later release is refused; there is no way back but a backup.
3. On PostgreSQL the schema's owner migrates, and what `provision` says holds afterwards.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, NullPool, inspect
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine

from systemzero_storage.database.opening import Schema
from systemzero_storage.jobs.errors import translated
from systemzero_storage.postgres import provision
from systemzero_storage.postgres.blocking import run_blocking
from systemzero_storage.postgres.database import driver_url, refusal
from systemzero_storage.schema import SchemaMismatch, check_not_newer, noted_version
from systemzero_storage.sqlite.engines import create_private_file, transaction, writer_engine
from systemzero_storage.tenancy import counters

_ENVIRONMENT: Final = Path(__file__).with_name("environment")


def migrate_sqlite(folder: Path, schema: Schema) -> tuple[int, int]:
    """Migrate the service's SQLite file in `folder`; the versions before and after.

    A file that is not there is made.

    Raises:
        SchemaMismatch: the file is another program's, or a later release's.
        Unavailable: it can't be opened, or a running service writes to it.
        DataCorrupted: it is damaged.
    """
    path = folder / schema.file
    try:
        create_private_file(path)
        engine = writer_engine(path)
        with engine.connect() as connection, transaction(connection, "BEGIN IMMEDIATE"):
            return _upgraded(connection, schema)
    except (DBAPIError, sqlite3.Error) as error:
        raise translated(error)  # noqa: B904 - it has its cause, or is the error itself


def migrate_postgres(url: str, schema: Schema, role: str | None) -> tuple[int, int]:
    """Migrate the service's schema at `url`, its owner's; the versions before and after.

    A schema that is not there is made. `role` is given access to its rows, if named.

    Raises:
        SchemaMismatch: the schema is another program's, or a later release's.
        FailedPrecondition: the role is not there, or row-level security would not hold it.
        Unavailable: the database does not answer, or refuses the owner.
    """

    def job(connection: Connection) -> tuple[int, int]:
        provision.use_schema(connection, schema.name)
        versions = _upgraded(connection, schema)
        provision.secure(connection, schema.metadata)
        if role:
            provision.grant(connection, schema.name, role)
        return versions

    async def work() -> tuple[int, int]:
        engine = create_async_engine(driver_url(url), poolclass=NullPool)
        async with engine.begin() as connection:
            return await connection.run_sync(job)

    try:
        return run_blocking(work())
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise refusal(url, error) from error


def upgrade(connection: Connection, migrations: Path, version: str = "head") -> None:
    """Run the migrations in a folder up to `version`, in the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("version_locations", _escaped(migrations))
    config.set_main_option("path_separator", "newline")
    config.attributes["connection"] = connection
    command.upgrade(config, version)


def _upgraded(connection: Connection, schema: Schema) -> tuple[int, int]:
    before = noted_version(connection)
    if before is None:
        if inspect(connection).get_table_names():
            raise SchemaMismatch("the database is not one of System//Zero")
        before = 0
    check_not_newer(before, schema.version)
    upgrade(connection, schema.migrations)
    counters.install(connection, schema.metadata)
    return before, schema.version


def _escaped(path: Path) -> str:
    return str(path).replace("%", "%%")
