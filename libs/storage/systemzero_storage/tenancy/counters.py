"""What each tenant stores, counted by the database itself as rows come, change and go.

A schema declares one table of counters, a row for each tenant: `stored_bytes`, and how many rows
there are of what it names. Triggers keep it, in the transaction of the statement that they follow:

1. No write of any kind is left out: of a store, of retention and erasure, of `sz-admin`.
2. A row counts as its texts and bodies, as they are stored, and `ROW_BYTES` for all the rest.
3. Every table with a column `tenant` is counted, and every column of texts or bodies: one that is
   added is counted by itself.

`install` makes the triggers, after every migration and again without harm.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    select,
    text,
    union,
)
from sqlalchemy.sql.type_api import TypeEngine

from systemzero_storage.tenancy.scope import COLUMN

ROW_BYTES: Final = 100
"""What stands for the numbers of a row, and for its place in indexes."""
BYTES: Final = "stored_bytes"
"""The counter of bytes, which every schema with counters has."""
_KEY: Final = "counters"
SQLITE: Final = "sqlite"
_NAMED: Final = re.compile(r"\{row\}\.(\w+)")


class Counted(NamedTuple):
    """Rows that are counted: of which table, where the condition of columns `{row}.…` holds."""

    table: str
    where: str


class Counters(NamedTuple):
    """The table of counters, and what each column but `stored_bytes` counts."""

    table: Table
    counts: Mapping[str, Counted]


def counters_table(metadata: MetaData, **counts: Counted) -> Table:
    """Declare the table `usage` of a schema, with a column for each of `counts`."""
    columns = [Column(name, BigInteger, nullable=False) for name in (BYTES, *counts)]
    tenant = Column(COLUMN, Text, primary_key=True)
    # without row ids, a row is found in one tree: it is written to with every other row
    table = Table("usage", metadata, tenant, *columns, sqlite_with_rowid=False)
    metadata.info[_KEY] = Counters(table, counts)
    return table


def counters_of(metadata: MetaData) -> Counters | None:
    """The counters of a schema, if it has any."""
    found: Counters | None = metadata.info.get(_KEY)
    return found


def install(connection: Connection, metadata: MetaData) -> None:
    """Make the triggers that keep the counters, in the place of those that are there."""
    for statement in own_statements(metadata, is_sqlite=connection.dialect.name == SQLITE):
        connection.exec_driver_sql(statement)


def own_statements(metadata: MetaData, *, is_sqlite: bool) -> Iterator[str]:
    """The statements that make the triggers of a schema anew, on one of the two databases."""
    counters = counters_of(metadata)
    if counters is None:
        return
    for table in counted_tables(metadata):
        counting = Counting(counters, table, is_sqlite=is_sqlite)
        yield from _on_sqlite(counting) if is_sqlite else _on_postgres(counting)


def counted_tables(metadata: MetaData) -> Iterator[Table]:
    """The tables whose rows are counted."""
    counters = counters_of(metadata)
    for table in metadata.sorted_tables:
        if counters is not None and COLUMN in table.c and table is not counters.table:
            yield table


def recounted(connection: Connection, metadata: MetaData, tenant: str) -> dict[str, int]:
    """What the counters of a tenant should be, from its rows: all of them are read.

    On PostgreSQL the connection's transaction is one of the tenant's, or of all tenants.
    """
    counters = counters_of(metadata)
    if counters is None:
        return {}
    names = (BYTES, *counters.counts)
    total = dict.fromkeys(names, 0)
    is_sqlite = connection.dialect.name == SQLITE
    for table in counted_tables(metadata):
        amounts = Counting(counters, table, is_sqlite=is_sqlite).amounts("r")
        sums = ", ".join(f"coalesce(sum({amount}), 0)" for amount in amounts)
        query = f"SELECT {sums} FROM {table.name} r WHERE r.{COLUMN} = :tenant"  # noqa: S608 - names of the code
        found = connection.execute(text(query), {"tenant": tenant}).one()
        for name, amount in zip(names, found, strict=True):
            total[name] += int(amount)
    return total


def tenants_counted(connection: Connection, metadata: MetaData) -> list[str]:
    """The tenants that have rows, or counters, in a transaction of all tenants."""
    counters = counters_of(metadata)
    if counters is None:
        return []
    tables = (counters.table, *counted_tables(metadata))
    return list(connection.execute(union(*(select(t.c[COLUMN]) for t in tables))).scalars())


class Counting:
    """How the rows of one table are counted, as SQL of one of the two databases."""

    def __init__(self, counters: Counters, table: Table, *, is_sqlite: bool) -> None:
        self._counters = counters
        self._is_sqlite = is_sqlite
        self.table = table.name
        types = {c.name: _stored(c.type) for c in table.c if c.name != COLUMN}
        self._bodies = {
            name: isinstance(kind, Text)
            for name, kind in types.items()
            if isinstance(kind, Text | LargeBinary)
        }

    @property
    def watched(self) -> str:
        """The columns whose change changes what a row counts as."""
        conditions = " ".join(counted.where for counted in self._own())
        names = (*self._bodies, *_NAMED.findall(conditions))
        return ", ".join(dict.fromkeys(names))

    def amounts(self, row: str) -> list[str]:
        """What a row, known as `row`, adds to each counter, in their order."""
        return [self._bytes(row), *(self._count(name, row) for name in self._counters.counts)]

    def add(self, source: str) -> str:
        """The statement that adds what `source` selects: a tenant, then an amount for each."""
        names = (BYTES, *self._counters.counts)
        usage = self._counters.table.name
        sums = ", ".join(f"{name} = {usage}.{name} + excluded.{name}" for name in names)
        return (
            f"INSERT INTO {usage} ({COLUMN}, {', '.join(names)}) {source} "  # nosec B608 - our names
            f"ON CONFLICT ({COLUMN}) DO UPDATE SET {sums}"
        )

    def _own(self) -> Iterator[Counted]:
        return (c for c in self._counters.counts.values() if c.table == self.table)

    def _count(self, name: str, row: str) -> str:
        counted = self._counters.counts[name]
        if counted.table != self.table:
            return "0"
        return f"CASE WHEN {counted.where.format(row=row)} THEN 1 ELSE 0 END"

    def _bytes(self, row: str) -> str:
        lengths = (self._length(row, name) for name in self._bodies)
        return " + ".join((str(ROW_BYTES), *(f"coalesce({length}, 0)" for length in lengths)))

    def _length(self, row: str, name: str) -> str:
        if not self._is_sqlite:
            return f"octet_length({row}.{name})"
        if self._bodies[name]:  # of a text, SQLite says how many characters it has
            return f"length(CAST({row}.{name} AS BLOB))"
        return f"length({row}.{name})"


def _stored(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    return kind.impl_instance if isinstance(kind, TypeDecorator) else kind


def _on_sqlite(counting: Counting) -> Iterator[str]:
    table = counting.table
    new, old = counting.amounts("NEW"), counting.amounts("OLD")
    changes = [f"({n}) - ({o})" if n != o else "0" for n, o in zip(new, old, strict=True)]
    changed = " OR ".join(f"{change} <> 0" for change in changes if change != "0")
    ways = {
        "insert": (f"AFTER INSERT ON {table}", "NEW", new),
        "delete": (f"AFTER DELETE ON {table}", "OLD", [f"-({amount})" for amount in old]),
    }
    if counting.watched:
        when = f"AFTER UPDATE OF {counting.watched} ON {table} WHEN {changed}"
        ways["update"] = (when, "NEW", changes)
    for way, (when, row, amounts) in ways.items():
        added = counting.add(f"VALUES ({row}.{COLUMN}, {', '.join(amounts)})")
        yield f"DROP TRIGGER IF EXISTS count_{table}_{way}"
        yield f"CREATE TRIGGER count_{table}_{way} {when} BEGIN {added}; END"


def _on_postgres(counting: Counting) -> Iterator[str]:
    """For the rows of a statement at once, but for an update, which seldom changes a length."""
    table = counting.table
    new, old = counting.amounts("NEW"), counting.amounts("OLD")
    sums = ", ".join(f"sum({amount})" for amount in counting.amounts("r"))
    less = ", ".join(f"-sum({amount})" for amount in counting.amounts("r"))
    grouped = f"FROM rows_{{}} r GROUP BY r.{COLUMN}"
    yield from _trigger(
        f"count_{table}_insert",
        f"AFTER INSERT ON {table} REFERENCING NEW TABLE AS rows_in FOR EACH STATEMENT",
        counting.add(f"SELECT r.{COLUMN}, {sums} {grouped.format('in')}"),
    )
    yield from _trigger(
        f"count_{table}_delete",
        f"AFTER DELETE ON {table} REFERENCING OLD TABLE AS rows_out FOR EACH STATEMENT",
        counting.add(f"SELECT r.{COLUMN}, {less} {grouped.format('out')}"),
    )
    if counting.watched:
        pairs = list(zip(new, old, strict=True))
        changed = " OR ".join(f"({n}) <> ({o})" for n, o in pairs if n != o)
        amounts = ", ".join(f"({n}) - ({o})" for n, o in pairs)
        yield from _trigger(
            f"count_{table}_update",
            f"AFTER UPDATE OF {counting.watched} ON {table} FOR EACH ROW WHEN ({changed})",
            counting.add(f"VALUES (NEW.{COLUMN}, {amounts})"),
        )


def _trigger(name: str, when: str, statement: str) -> Iterator[str]:
    body = f"BEGIN {statement}; RETURN NULL; END"
    yield f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
    table = when.partition(" ON ")[2].split()[0]
    yield f"DROP TRIGGER IF EXISTS {name} ON {table}"
    yield f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()"
