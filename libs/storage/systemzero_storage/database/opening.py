"""A service's schema, and the database that its settings name."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec
from sqlalchemy import MetaData

from systemzero_storage.protocol import Database
from systemzero_storage.settings import DatabaseSettings
from systemzero_storage.sqlite.database import open_sqlite
from systemzero_storage.sqlite.inspecting import look_at_sqlite


class Schema(msgspec.Struct, frozen=True):
    """The tables of one service.

    Attributes:
        name: the service's; on PostgreSQL, that of its schema.
        metadata: the tables.
        version: how many migrations lead to them.
        migrations: folder of the migrations, `0001_….py` and on.
        file: name of the SQLite file in the service's data folder.
        log: which of the platform's logs is in the database, if one is.
        named_by: services whose rows name rows of this one. A backup copies these services before
            it, so that whatever a copy names is in the backup, too.
    """

    name: str
    metadata: MetaData
    version: int
    migrations: Path
    file: str
    log: Literal["evidence", "audit"] = "evidence"
    named_by: tuple[str, ...] = ()


def open_database(folder: Path, schema: Schema, settings: DatabaseSettings) -> Database:
    """The database that `settings` name, or the SQLite file in `folder`. Blocks; for the start.

    A file that is not there is made with the newest schema; PostgreSQL wants `sz-admin migrate`.

    Raises:
        ConfigError: the settings contradict themselves, or name what is no URL of PostgreSQL.
        SchemaMismatch: the database holds another version of the schema, or something else.
        FailedPrecondition: the role on PostgreSQL is one that row-level security does not hold; or
            the file was there, and is gone.
        Unavailable, DataCorrupted: the database can't be used; of code in it that is not the
            schema's own, `ForeignCode`.
    """
    url = settings.location()
    if url:
        # here, since most installations are on SQLite: its driver takes 7 MB to import
        from systemzero_storage.postgres.database import open_postgres

        return open_postgres(url, schema.name, schema.version, settings, schema.metadata)
    return open_sqlite(folder / schema.file, schema.metadata, schema.version)


def look_at_database(
    folder: Path, schema: Schema, settings: DatabaseSettings, *, at_rest: bool
) -> Database:
    """As `open_database`, for who only reads: a file is left as it is, and none is made.

    `at_rest` says that nobody writes to the file; see `look_at_sqlite`.

    Raises:
        ConfigError, SchemaMismatch, FailedPrecondition, Unavailable, DataCorrupted: as there.
    """
    if settings.location():
        return open_database(folder, schema, settings)
    return look_at_sqlite(folder / schema.file, schema.version, at_rest=at_rest)
