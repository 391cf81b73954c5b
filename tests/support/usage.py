"""What a tenant stores, counted from the rows by other means than the product's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, MetaData, select

from systemzero_storage.database import Database
from systemzero_storage.tenancy.counters import counters_of

ROW = 100


def size(value: object) -> int:
    """The bytes of a text or a body as it is stored; 0 of anything else."""
    if isinstance(value, str):
        return len(value.encode())
    return len(value) if isinstance(value, bytes) else 0


async def stored(database: Database, metadata: MetaData, tenant: str) -> dict[str, list[Any]]:
    """The raw rows of every table but the counters', by table."""
    counters = counters_of(metadata)
    assert counters is not None
    names = [t.name for t in metadata.sorted_tables if t is not counters.table]

    def raw(connection: Connection, name: str) -> list[Any]:
        query = f"SELECT * FROM {name}"  # noqa: S608 - the name of a table
        return list(connection.exec_driver_sql(query).mappings())

    rows = await database.read(lambda c: {name: raw(c, name) for name in names})
    return {name: [row for row in found if row["tenant"] == tenant] for name, found in rows.items()}


def weight(rows: dict[str, list[Any]]) -> int:
    """The bytes of all rows."""
    return sum(
        ROW + sum(size(value) for name, value in row.items() if name != "tenant")
        for found in rows.values()
        for row in found
    )


async def counted(database: Database, metadata: MetaData, tenant: str) -> dict[str, int]:
    """The counters as they are."""
    counters = counters_of(metadata)
    assert counters is not None
    query = select(counters.table).where(counters.table.c.tenant == tenant)
    row = await database.read(lambda c: c.execute(query).mappings().one_or_none())
    names = [column.name for column in counters.table.c if column.name != "tenant"]
    return {name: row[name] if row else 0 for name in names}


async def agrees(
    database: Database,
    metadata: MetaData,
    tenant: str,
    counts: dict[str, Callable[[dict[str, list[Any]]], int]],
) -> None:
    """Have the counters be what the rows say; `counts` says how the others are counted."""
    rows = await stored(database, metadata, tenant)
    wanted = {"stored_bytes": weight(rows)} | {name: of(rows) for name, of in counts.items()}
    assert await counted(database, metadata, tenant) == wanted
