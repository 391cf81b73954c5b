"""The schema's version: the number of the last migration, checked at every start."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Column, Connection, MetaData, String, Table, insert, inspect, select, update

from systemzero_core.errors import FailedPrecondition
from systemzero_storage.tenancy.counters import install
from systemzero_storage.tenancy.foreign import check_nothing_foreign

# as Alembic declares it: migrations keep it, and this module need not load Alembic at every start
_VERSION: Final = Table(
    "alembic_version", MetaData(), Column("version_num", String(32), primary_key=True)
)


class SchemaMismatch(FailedPrecondition):
    """The database's schema is not the one this code was written for; `metadata` has both."""


def revision_of(version: int) -> str:
    """The migration that leads to `version`: `0001`."""
    return f"{version:04d}"


def ensure_schema(connection: Connection, metadata: MetaData, version: int) -> None:
    """Create `metadata`'s tables in an empty database, or check the version of a full one.

    Runs in the caller's transaction, so that a schema is never there in part.

    Raises:
        SchemaMismatch: the database holds another version, or something else altogether.
        ForeignCode: there is code in it that is not the schema's own.
    """
    if inspect(connection).get_table_names():
        check_schema(connection, version, "")
        check_nothing_foreign(connection, metadata)
    else:
        create_schema(connection, metadata, version)


def create_schema(connection: Connection, metadata: MetaData, version: int) -> None:
    """Create `metadata`'s tables and note the version."""
    metadata.create_all(connection)
    install(connection, metadata)
    _VERSION.create(connection)
    connection.execute(insert(_VERSION).values(version_num=revision_of(version)))


def check_schema(connection: Connection, version: int, schema: str) -> None:
    """Check that the database has this version of the schema; `schema` names it, if it has a name.

    Raises:
        SchemaMismatch: says what to do.
    """
    if not inspect(connection).has_table(_VERSION.name):
        if schema:
            raise SchemaMismatch(
                f"the database has no schema {schema} for this role: run `sz-admin migrate`"
            )
        raise SchemaMismatch("the file is a database, but not one of System//Zero")
    found = noted_version(connection) or 0
    if found != version:
        raise SchemaMismatch(_advice(found, version), metadata=_versions(found, version))


def rewrite_version(connection: Connection) -> None:
    """Write what is there already: so whoever asks learns whether anything can be written."""
    connection.execute(update(_VERSION).values(version_num=_VERSION.c.version_num))


def check_not_newer(found: int, wanted: int) -> None:
    """Check that `found` is no later version than this code's.

    Raises:
        SchemaMismatch: it is.
    """
    if found > wanted:
        raise SchemaMismatch(_advice(found, wanted), metadata=_versions(found, wanted))


def check_not_older(connection: Connection, wanted: int) -> None:
    """Check that the database notes no version before this code's, or none at all.

    Raises:
        SchemaMismatch: it does.
    """
    found = noted_version(connection) or 0
    if found < wanted:
        raise SchemaMismatch(_advice(found, wanted), metadata=_versions(found, wanted))


def noted_version(connection: Connection) -> int | None:
    """The version that the database notes; None if it notes none."""
    if not inspect(connection).has_table(_VERSION.name):
        return None
    noted = connection.execute(select(_VERSION.c.version_num)).scalar()
    return int(noted) if noted and noted.isdecimal() else 0


def _advice(found: int, wanted: int) -> str:
    if found < wanted:
        advice = "run `sz-admin migrate`, or start the release that wrote it"
    else:
        advice = "a later release wrote it: start that one"
    return f"the database has schema version {found}, this release needs {wanted}: {advice}"


def _versions(found: int, wanted: int) -> dict[str, str]:
    return {"found": str(found), "wanted": str(wanted)}
