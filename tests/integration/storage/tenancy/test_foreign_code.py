"""Code that was put into a database: no service starts on it, `sz-admin check` names it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from systemzero_admin.__main__ import main
from systemzero_diff.store import SCHEMA
from systemzero_storage.database import DatabaseSettings, open_database
from systemzero_storage.tenancy.foreign import ForeignCode
from tests.support.postgres import Server, migrated

ON_SQLITE = {
    "the trigger quiet on events": (
        "CREATE TRIGGER quiet AFTER INSERT ON events BEGIN DELETE FROM events; END"
    ),
    "the view hidden": "CREATE VIEW hidden AS SELECT * FROM events",
    "the trigger count_events_insert, which is missing": "DROP TRIGGER count_events_insert",
    "the trigger count_events_delete on events, which was altered": (
        "DROP TRIGGER count_events_delete;"
        "CREATE TRIGGER count_events_delete AFTER DELETE ON events BEGIN SELECT 1; END"
    ),
}
_FUNCTION = "CREATE FUNCTION {} RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$"
ON_POSTGRES = {
    "the function quiet": _FUNCTION.format("quiet()"),
    "the function count_events_insert, which was altered": (
        _FUNCTION.format("count_events_insert()").replace("CREATE", "CREATE OR REPLACE")
    ),
    "the trigger quiet on events": (
        "CREATE TRIGGER quiet BEFORE INSERT ON events FOR EACH ROW "
        "EXECUTE FUNCTION suppress_redundant_updates_trigger()"
    ),
    "the trigger count_events_insert, which is missing": (
        "DROP TRIGGER count_events_insert ON events"
    ),
    "the trigger count_events_insert on events, which was altered": (
        "ALTER TABLE events DISABLE TRIGGER count_events_insert"
    ),
    "the rule quiet on events": "CREATE RULE quiet AS ON DELETE TO events DO INSTEAD NOTHING",
    "the view hidden": "CREATE VIEW hidden AS SELECT * FROM events",
    "the policy all_of_it on events": "CREATE POLICY all_of_it ON events USING (true)",
    "the policy tenant_rows on events, which was altered": (
        "ALTER POLICY tenant_rows ON events USING (true)"
    ),
    "the policy tenant_rows on events, which is missing": "DROP POLICY tenant_rows ON events",
    "row-level security off on events": "ALTER TABLE events NO FORCE ROW LEVEL SECURITY",
}


def check(folder: Path, *more: str) -> int:
    return main(["check", "--data", str(folder), "--service", "diff", *more])


def read(folder: Path, settings: DatabaseSettings) -> None:
    open_database(folder / "diff", SCHEMA, settings)


@pytest.mark.parametrize("named", ON_SQLITE)
def test_foreign_code_in_a_file_is_refused_and_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    assert main(["keys", "--to", str(tmp_path)]) == 0
    read(tmp_path, DatabaseSettings())
    assert check(tmp_path) == 0
    file = sqlite3.connect(tmp_path / "diff" / "diff.db")
    file.executescript(ON_SQLITE[named])
    file.close()
    with pytest.raises(ForeignCode, match=named):
        read(tmp_path, DatabaseSettings())
    capsys.readouterr()
    assert check(tmp_path) == 2
    assert named in capsys.readouterr().err


def test_what_was_ours_is_made_anew_by_migrate(tmp_path: Path) -> None:
    read(tmp_path, DatabaseSettings())
    file = sqlite3.connect(tmp_path / "diff" / "diff.db")
    file.executescript("DROP TRIGGER count_events_insert")
    file.close()
    assert main(["migrate", "--data", str(tmp_path), "--service", "diff"]) == 0
    read(tmp_path, DatabaseSettings())


@pytest.fixture
def server(postgres: Server) -> Iterator[Server]:
    made = postgres.fresh()
    yield made
    made.drop()


@pytest.mark.parametrize("named", ON_POSTGRES)
def test_foreign_code_on_postgres_is_refused_and_named(
    tmp_path: Path, server: Server, capsys: pytest.CaptureFixture[str], named: str
) -> None:
    file = migrated(server, tmp_path)
    settings = DatabaseSettings(url_file=file, pool=2)
    assert main(["keys", "--to", str(tmp_path)]) == 0
    read(tmp_path, settings)

    def change(connection: Connection) -> None:
        connection.execute(text("SET LOCAL search_path TO diff"))
        connection.execute(text(ON_POSTGRES[named]))

    server.run(change)
    with pytest.raises(ForeignCode, match=named):
        read(tmp_path, settings)
    capsys.readouterr()
    assert check(tmp_path, "--url-file", str(file)) == 2
    assert named in capsys.readouterr().err
