"""The schema's version: written with the schema, checked at every start."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, MetaData, Table, insert, inspect, select

from systemzero_core.errors import FailedPrecondition

_VERSION = Table("schema_version", MetaData(), Column("version", Integer, nullable=False))


class SchemaMismatch(FailedPrecondition):
    """The database's schema is not the one this code was written for; `metadata` has both."""


def ensure_schema(connection: Connection, metadata: MetaData, version: int) -> None:
    """Create `metadata`'s tables in an empty database, or check the version of a full one.

    Runs in the caller's transaction, so that a schema is never there in part.

    Raises:
        SchemaMismatch: the database holds another version, or something else altogether.
    """
    if not inspect(connection).get_table_names():
        metadata.create_all(connection)
        _VERSION.create(connection)
        connection.execute(insert(_VERSION).values(version=version))
        return
    if not inspect(connection).has_table(_VERSION.name):
        raise SchemaMismatch("the file is a database, but not one of System//Zero")
    found = connection.execute(select(_VERSION.c.version)).scalar_one()
    if found != version:
        raise SchemaMismatch(_advice(found, version), metadata=_versions(found, version))


def _advice(found: int, wanted: int) -> str:
    if found < wanted:
        advice = "migrate the database, or start the release that wrote it"
    else:
        advice = "a later release wrote it: start that one"
    return f"the database has schema version {found}, this release needs {wanted}: {advice}"


def _versions(found: int, wanted: int) -> dict[str, str]:
    return {"found": str(found), "wanted": str(wanted)}
