"""What acts on a schema's rows and is not the schema's own: triggers, views, rules, functions.

Who may change the database can put code there that drops, alters or copies what is written, in the
service's own transactions. Nothing of the kind is served: what is there is what this code made.

1. A trigger or function of ours MUST be there, and be what `counters` writes, letter by letter.
2. On PostgreSQL, row-level security MUST be forced on each table of tenants, by our policy alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from sqlalchemy import Connection, MetaData

from systemzero_core.errors import DataCorrupted
from systemzero_storage.tenancy.counters import SQLITE, own_statements
from systemzero_storage.tenancy.scope import COLUMN

POLICY: Final = "tenant_rows"
_SHOWN: Final = 10
_TRIGGER: Final = re.compile(r"CREATE TRIGGER (\w+) .* ON (\w+) ")
_FUNCTION: Final = re.compile(r"CREATE OR REPLACE FUNCTION (\w+)\(\).*?\$\$(.*)\$\$", re.DOTALL)
_HERE: Final = "current_schema()::regnamespace"
_RELATION: Final = f"JOIN pg_class c ON c.oid = {{}} AND c.relnamespace = {_HERE}"

_TRIGGERS: Final = (
    "SELECT t.tgname::text, c.relname::text, p.proname || CASE WHEN t.tgenabled = 'O' "  # noqa: S608 - constants
    f"AND p.pronamespace = {_HERE} AND NOT EXISTS (SELECT FROM pg_depend d "
    "WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid "
    "AND d.refclassid = 'pg_proc'::regclass AND d.refobjid <> p.oid) THEN '' ELSE ' altered' END "
    f"FROM pg_trigger t {_RELATION.format('t.tgrelid')} JOIN pg_proc p ON p.oid = t.tgfoid "
    "WHERE NOT t.tgisinternal"
)
_FUNCTIONS: Final = f"SELECT proname::text, prosrc FROM pg_proc WHERE pronamespace = {_HERE}"  # noqa: S608 - constants
_OTHERS: Final = (
    "SELECT 'the rule ' || r.rulename || ' on ' || c.relname FROM pg_rewrite r "  # noqa: S608 - constants
    f"{_RELATION.format('r.ev_class')} WHERE r.rulename <> '_RETURN' "
    "UNION ALL SELECT 'the view ' || relname FROM pg_class "
    f"WHERE relnamespace = {_HERE} AND relkind IN ('v', 'm') "
    "UNION ALL SELECT 'the policy ' || p.polname || ' on ' || c.relname FROM pg_policy p "
    f"{_RELATION.format('p.polrelid')} WHERE p.polname <> '{POLICY}'"
)
_POLICIES: Final = (
    "SELECT c.relname::text, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid), "  # noqa: S608 - constants
    f"polcmd = '*' AND polpermissive AND polroles = '{{0}}' FROM pg_policy p "
    f"{_RELATION.format('p.polrelid')} WHERE p.polname = '{POLICY}'"
)
_SETTING: Final = "current_setting('systemzero.tenant',true)"
_HELD: Final = f"{_SETTING}={COLUMN}OR{_SETTING}='*'"
_NOISE: Final = re.compile(r"::text|[ ()]")
"""What PostgreSQL adds to an expression when it writes it out."""
_UNHELD: Final = (
    "SELECT relname::text FROM pg_class "  # noqa: S608 - constants
    f"WHERE relnamespace = {_HERE} AND relkind = 'r' "
    "AND NOT (relrowsecurity AND relforcerowsecurity)"
)


class ForeignCode(DataCorrupted):
    """There is code in the database that is not the schema's own, or its own was altered."""


def check_nothing_foreign(connection: Connection, metadata: MetaData) -> None:
    """Check that nothing acts on the rows of the schema in use but what `metadata` has.

    Raises:
        ForeignCode: names what is foreign, altered or missing, and says what to do.
    """
    look = _on_sqlite if connection.dialect.name == SQLITE else _on_postgres
    found = sorted(look(connection, metadata))
    if found:
        more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise ForeignCode(
            f"the database has code that this program did not put there, or lacks its own: "
            f"{', '.join(found[:_SHOWN])}{more}. Find out who did that; then drop what is foreign, "
            "run `sz-admin migrate`, which makes what is ours anew, and `sz-admin check`"
        )


def _on_sqlite(connection: Connection, metadata: MetaData) -> Iterator[str]:
    own = {found[1]: text for text, found in _own(metadata, _TRIGGER, is_sqlite=True)}
    rows = connection.exec_driver_sql(
        "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('trigger', 'view')"
    ).all()
    there = {name: sql for kind, name, _table, sql in rows if kind == "trigger"}
    yield from (f"the view {name}" for kind, name, _, _ in rows if kind == "view")
    on = {name: table for kind, name, table, _ in rows if kind == "trigger"}
    yield from _compared("trigger", own, there, on)


def _on_postgres(connection: Connection, metadata: MetaData) -> Iterator[str]:
    yield from connection.exec_driver_sql(_OTHERS).scalars()
    of_tenants = {table.name for table in metadata.tables.values() if COLUMN in table.c}
    for name in connection.exec_driver_sql(_UNHELD).scalars():
        if name in of_tenants:
            yield f"row-level security off on {name}"
    yield from _policies(connection, of_tenants)
    bodies = {found[1]: found[2] for _, found in _own(metadata, _FUNCTION, is_sqlite=False)}
    yield from _compared("function", bodies, dict(_pairs(connection, _FUNCTIONS)), {})
    own = {found[1]: found[1] for _, found in _own(metadata, _TRIGGER, is_sqlite=False)}
    rows = connection.exec_driver_sql(_TRIGGERS).all()
    there = {f"{name}": does for name, _table, does in rows}
    yield from _compared("trigger", own, there, {name: table for name, table, _ in rows})
    tables = {found[1]: found[2] for _, found in _own(metadata, _TRIGGER, is_sqlite=False)}
    for name, table, _ in rows:  # a name may stand on several tables
        if name in tables and tables[name] != table:
            yield f"the trigger {name} on {table}"


def _policies(connection: Connection, tables: set[str]) -> Iterator[str]:
    rows = connection.exec_driver_sql(_POLICIES).all()
    for name, *expressions, plain in rows:
        held = {_NOISE.sub("", expression or "") for expression in expressions}
        if not plain or held != {_NOISE.sub("", _HELD)}:
            yield f"the policy {POLICY} on {name}, which was altered"
    there = {row[0] for row in rows}
    yield from (f"the policy {POLICY} on {name}, which is missing" for name in tables - there)


def _own(
    metadata: MetaData, form: re.Pattern[str], *, is_sqlite: bool
) -> Iterator[tuple[str, re.Match[str]]]:
    for statement in own_statements(metadata, is_sqlite=is_sqlite):
        if found := form.match(statement):
            yield statement, found


def _pairs(connection: Connection, query: str) -> Iterator[tuple[str, str]]:
    yield from map(tuple, connection.exec_driver_sql(query))


def _compared(
    kind: str, own: Mapping[str, str], there: Mapping[str, str], on: Mapping[str, str]
) -> Iterator[str]:
    for name, text in there.items():
        where = f" on {on[name]}" if name in on else ""
        if name not in own:
            yield f"the {kind} {name}{where}"
        elif text != own[name]:
            yield f"the {kind} {name}{where}, which was altered"
    yield from (f"the {kind} {name}, which is missing" for name in own if name not in there)
