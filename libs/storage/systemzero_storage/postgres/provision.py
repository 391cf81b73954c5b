"""A service's schema on PostgreSQL, as its owner makes it: what `sz-admin migrate` does there.

Beside the service's own tables there is `batches`, by which a writer learns what became of a commit
(see `_batches`). Then, after every migration and again without harm:

1. Every table with a column `tenant` is under row-level security, forced on its owner too: a
   transaction sees and writes the rows of the tenant it was held to, or with `*` those of all.
2. The role that the service connects with may read and write rows, and change nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, MetaData, text
from sqlalchemy.sql import quoted_name

from systemzero_core.errors import FailedPrecondition
from systemzero_storage.postgres.batching import BATCHES_TABLE
from systemzero_storage.schema import create_schema
from systemzero_storage.tenancy.foreign import POLICY
from systemzero_storage.tenancy.scope import COLUMN
from systemzero_storage.tenancy.tenant import EVERY_TENANT

_HELD: Final = f"current_setting('systemzero.tenant', true) IN ({COLUMN}, '{EVERY_TENANT}')"
_OLD_BATCHES: Final = "30 days"


def provision(connection: Connection, schema: str, metadata: MetaData, version: int) -> None:
    """Make `schema` with the tables of `metadata`, without migrations; for tests."""
    use_schema(connection, schema)
    create_schema(connection, metadata, version)
    secure(connection, metadata)


def use_schema(connection: Connection, schema: str) -> None:
    """Make `schema` if it is not there, and everything after it happen there."""
    name = _quoted(connection, schema)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {name}"))
    connection.execute(text(f"SET LOCAL search_path TO {name}"))


def secure(connection: Connection, metadata: MetaData) -> None:
    """Put the tables of the schema in use under row-level security; make the one for batches."""
    for statement in _statements(metadata):
        connection.execute(text(statement))


def grant(connection: Connection, schema: str, role: str) -> None:
    """Let `role` read and write the rows of the schema's tables, and nothing else.

    Raises:
        FailedPrecondition: there is no such role, or row-level security would not hold it.
    """
    found = connection.execute(
        text("SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = :role"), {"role": role}
    ).scalar()
    if found is None:
        raise FailedPrecondition(f"no role {role}: CREATE ROLE {role} LOGIN PASSWORD '...'; first")
    if found:
        raise FailedPrecondition(f"the role {role} bypasses row-level security: choose another")
    name, to = _quoted(connection, schema), _quoted(connection, role)
    for what in (
        f"USAGE ON SCHEMA {name}",
        f"SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name}",
        f"USAGE ON ALL SEQUENCES IN SCHEMA {name}",
    ):
        connection.execute(text(f"GRANT {what} TO {to}"))
    connection.execute(text(f"REVOKE INSERT, UPDATE, DELETE ON {name}.alembic_version FROM {to}"))


def _statements(metadata: MetaData) -> Iterable[str]:
    yield (
        f"CREATE TABLE IF NOT EXISTS {BATCHES_TABLE} (writer text PRIMARY KEY, "
        "number bigint NOT NULL, time timestamptz NOT NULL DEFAULT now())"
    )
    old = f"now() - interval '{_OLD_BATCHES}'"
    yield f"DELETE FROM {BATCHES_TABLE} WHERE time < {old}"  # noqa: S608 - constants
    for table in metadata.tables.values():
        if COLUMN in table.c:
            yield f"ALTER TABLE {table.name} ENABLE ROW LEVEL SECURITY"
            yield f"ALTER TABLE {table.name} FORCE ROW LEVEL SECURITY"
            yield f"DROP POLICY IF EXISTS {POLICY} ON {table.name}"
            yield f"CREATE POLICY {POLICY} ON {table.name} USING ({_HELD}) WITH CHECK ({_HELD})"


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(quoted_name(name, quote=True))
