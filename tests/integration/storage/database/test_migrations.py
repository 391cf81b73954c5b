"""Migrations lead, on both databases, to the very tables that the code declares."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, NullPool, create_engine, inspect, text

from systemzero_admin.schemas import installed
from systemzero_core.errors import FailedPrecondition, NotFound
from systemzero_storage.database import (
    DatabaseSettings,
    Schema,
    SchemaMismatch,
    open_database,
    open_sqlite,
)
from systemzero_storage.database.migrate import migrate_postgres, migrate_sqlite, upgrade
from systemzero_storage.postgres import provision as postgres_schema
from systemzero_storage.schema import create_schema, revision_of
from tests.support.postgres import ROLE, Server
from tests.support.sqlite import opened

SCHEMAS = {schema.name: schema for schema in installed()}
PATIENCE = "run `make revisions` after a change of the tables"

schemas = pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)


def renamed(schema: Schema, name: str) -> Schema:
    return msgspec.structs.replace(schema, name=name)


def difference(connection: Connection, schema: Schema) -> list[object]:
    """What Alembic finds between the database and the tables that the code declares."""

    def ours(_object: object, name: str | None, kind: str, *_: object) -> bool:
        return (kind, name) != ("table", "batches")

    options = {"compare_type": True, "compare_server_default": True, "include_object": ours}
    return list(
        compare_metadata(MigrationContext.configure(connection, opts=options), schema.metadata)
    )


def shape(connection: Connection) -> dict[str, object]:
    """Everything that can be said of the tables, whoever made them."""
    inspector = inspect(connection)
    return {
        name: (
            [
                {key: str(value) for key, value in column.items() if key != "comment"}
                for column in inspector.get_columns(name)
            ],
            inspector.get_pk_constraint(name)["constrained_columns"],
            sorted(map(index, inspector.get_indexes(name))),
            sorted(map(str, inspector.get_foreign_keys(name))),
            inspector.get_table_options(name),
        )
        for name in sorted(inspector.get_table_names())
    }


def index(found: Any) -> str:
    options = {key: str(value) for key, value in found.get("dialect_options", {}).items()}
    return str({**found, "dialect_options": options})


def strict(connection: Connection) -> list[tuple[object, ...]]:
    listed = "SELECT name, strict, wr FROM pragma_table_list WHERE schema = 'main' ORDER BY name"
    return [tuple(row) for row in connection.execute(text(listed))]


def sqlite_shapes(folder: Path, make: Callable[[Connection], None]) -> tuple[object, ...]:
    engine = create_engine(f"sqlite:///{folder}", poolclass=NullPool)
    with engine.begin() as connection:
        make(connection)
        return shape(connection), strict(connection)


@schemas
def test_migrations_are_numbered_and_lead_to_the_version_of_the_code(schema: Schema) -> None:
    config = Config()
    config.set_main_option("script_location", str(schema.migrations))
    config.set_main_option("version_locations", str(schema.migrations))
    config.set_main_option("path_separator", "newline")
    script = ScriptDirectory.from_config(config)
    found = [revision.revision for revision in script.walk_revisions()][::-1]
    assert found == [revision_of(n) for n in range(1, schema.version + 1)]


@schemas
def test_a_migrated_file_is_what_a_new_one_is(schema: Schema, tmp_path: Path) -> None:
    def step_by_step(connection: Connection) -> None:
        for version in range(1, schema.version + 1):
            upgrade(connection, schema.migrations, revision_of(version))

    def made(connection: Connection) -> None:
        create_schema(connection, schema.metadata, schema.version)

    migrated = sqlite_shapes(tmp_path / "migrated.db", step_by_step)
    assert migrated == sqlite_shapes(tmp_path / "made.db", made), PATIENCE
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}", poolclass=NullPool)
    with engine.connect() as connection:
        assert difference(connection, schema) == [], PATIENCE


@schemas
def test_a_migrated_schema_is_what_the_code_declares(schema: Schema, postgres: Server) -> None:
    own = renamed(schema, f"migrated_{schema.name}")
    assert migrate_postgres(postgres.owner_url, own, ROLE) == (0, schema.version)
    assert migrate_postgres(postgres.owner_url, own, ROLE) == (schema.version, schema.version)
    made = postgres.provision(schema.metadata, schema.version)

    def shape_of(name: str) -> str:
        def job(connection: Connection) -> str:
            postgres_schema.use_schema(connection, name)
            return str(shape(connection)).replace(name, "schema")

        return postgres.run(job)

    assert shape_of(own.name) == shape_of(made), PATIENCE

    def compared(connection: Connection) -> list[object]:
        postgres_schema.use_schema(connection, own.name)
        return difference(connection, schema)

    assert postgres.run(compared) == [], PATIENCE


@schemas
def test_every_table_of_tenants_is_under_row_level_security(
    schema: Schema, postgres: Server
) -> None:
    name = postgres.provision(schema.metadata, schema.version)
    forced = text(
        "SELECT relname FROM pg_class WHERE relnamespace = CAST(:name AS regnamespace) "
        "AND relrowsecurity AND relforcerowsecurity"
    )
    held = set(postgres.run(lambda c: c.execute(forced, {"name": name}).scalars().all()))
    assert held == {t.name for t in schema.metadata.tables.values() if "tenant" in t.c}


@schemas
def test_every_table_carries_its_tenant(schema: Schema) -> None:
    without = {t.name for t in schema.metadata.tables.values() if "tenant" not in t.c}
    # what the gateway has for all: its count of changes, its signing keys; and secrets, which are
    # found by their digest before anybody knows whose they are; the marks by which two databases
    # know each other
    assert without <= {"revision", "signing_keys", "key_secrets", "marks", "pairing"}


def test_migrating_leaves_what_is_there(tmp_path: Path) -> None:
    schema = SCHEMAS["gateway"]
    assert migrate_sqlite(tmp_path, schema) == (0, schema.version)
    with opened(tmp_path / schema.file) as file:
        file.execute("INSERT INTO tenants (tenant, create_time, mac) VALUES ('acme', 1, x'00')")
    assert migrate_sqlite(tmp_path, schema) == (schema.version, schema.version)
    with opened(tmp_path / schema.file) as file:
        assert file.execute("SELECT tenant FROM tenants").fetchall() == [("acme",)]


async def test_a_migrated_file_can_be_opened(tmp_path: Path) -> None:
    schema = SCHEMAS["diff"]
    migrate_sqlite(tmp_path, schema)
    await open_database(tmp_path, schema, DatabaseSettings()).close()


async def test_a_later_releases_database_is_left_alone(tmp_path: Path, postgres: Server) -> None:
    schema = SCHEMAS["capture"]
    later = schema.version + 1
    await open_sqlite(tmp_path / schema.file, schema.metadata, later).close()
    with pytest.raises(SchemaMismatch, match="later release"):
        migrate_sqlite(tmp_path, schema)
    own = renamed(schema, postgres.provision(schema.metadata, later))
    with pytest.raises(SchemaMismatch, match="later release"):
        migrate_postgres(postgres.owner_url, own, None)


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    schema = SCHEMAS["capture"]
    with opened(tmp_path / schema.file) as other:
        other.execute("CREATE TABLE theirs (x)")
    with pytest.raises(SchemaMismatch, match="not one of"):
        migrate_sqlite(tmp_path, schema)


def test_a_failed_migration_leaves_nothing(tmp_path: Path, postgres: Server) -> None:
    (tmp_path / "0001_first.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = '0001'\ndown_revision = None\n"
        "def upgrade():\n"
        "    op.create_table('good', sa.Column('id', sa.Integer, primary_key=True))\n"
        "    raise LookupError('half-way')\n"
    )
    broken = Schema("broken", MetaData(), 1, tmp_path, "broken.db")
    with pytest.raises(LookupError):
        migrate_sqlite(tmp_path, broken)
    with pytest.raises(LookupError):
        migrate_postgres(postgres.owner_url, broken, None)
    with opened(tmp_path / "broken.db") as file:
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == []
    count = text("SELECT count(*) FROM pg_namespace WHERE nspname = 'broken'")
    assert postgres.run(lambda c: c.execute(count).scalar()) == 0


def test_a_role_that_is_not_there_or_above_is_refused(postgres: Server) -> None:
    own = renamed(SCHEMAS["gateway"], "roles")
    with pytest.raises(FailedPrecondition, match="CREATE ROLE nobody_here"):
        migrate_postgres(postgres.owner_url, own, "nobody_here")
    with pytest.raises(FailedPrecondition, match="bypasses"):
        migrate_postgres(postgres.owner_url, own, "postgres")


def test_a_service_that_is_not_installed_is_named() -> None:
    with pytest.raises(NotFound, match="no service 'nothing'"):
        installed(["nothing"])


def sz_admin(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("sz-admin")
    return subprocess.run([command, *arguments], capture_output=True, text=True, check=False)


def test_the_command_migrates_everything_that_is_installed(
    tmp_path: Path, postgres: Server
) -> None:
    first = sz_admin("migrate", "--data", str(tmp_path))
    assert first.returncode == 0, first.stderr
    assert first.stdout.splitlines() == [
        f"{name}: from version 0 to {schema.version}" for name, schema in SCHEMAS.items()
    ]
    url = tmp_path / "owner.url"
    url.write_text(f"{postgres.owner_url}\n")
    arguments = ("--url-file", str(url), "--role", ROLE, "--service", "diff")
    assert sz_admin("migrate", *arguments).stdout == "diff: from version 0 to 1\n"
    again = sz_admin("migrate", *arguments)
    assert again.stdout == f"diff: is at version {SCHEMAS['diff'].version}\n"


def test_a_password_on_the_command_line_is_refused() -> None:
    done = sz_admin("migrate", "--url", "postgresql://u:hunter2@localhost/d")
    assert (done.returncode, done.stdout) == (2, "")
    assert "url_file" in done.stderr
    assert "hunter2" not in done.stderr
