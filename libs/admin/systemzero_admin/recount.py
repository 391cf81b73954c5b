"""`sz-admin recount`: the counters of what each tenant stores, held to its rows and put right.

The database keeps them by itself. They can be wrong only where somebody wrote to it around that: by
hand, or from a dump without its triggers.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from sqlalchemy import delete, insert, select

from systemzero_admin.schemas import installed
from systemzero_core.errors import FailedPrecondition
from systemzero_storage.database import (
    Database,
    DatabaseSettings,
    Schema,
    TenantConnection,
    open_database,
)
from systemzero_storage.tenancy.counters import counters_of, recounted, tenants_counted
from systemzero_storage.tenancy.scope import TENANT


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "recount",
        help="count anew what each tenant stores, and put its counters right",
        description="Read every row of every tenant, one tenant at a time, whose writers wait "
        "meanwhile; on SQLite so do all others. Also while serving.",
    )
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--data", type=Path, help="data folder of all services, with SQLite files")
    place.add_argument("--url-file", type=Path, help="file with a service's URL of PostgreSQL")
    place.add_argument("--url", help="that URL, if it has no password")
    parser.add_argument("--tenant", help="only this one; else all")
    parser.add_argument(
        "--service", action="append", help="only this one (may be repeated); else all installed"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Recount in each service's database.

    Raises:
        FailedPrecondition: there is no such database.
        DomainError: a database can't be opened.
    """
    settings = DatabaseSettings(url=arguments.url or "", url_file=arguments.url_file)
    found = False
    for schema in installed(arguments.service):
        folder = Path() if arguments.data is None else arguments.data / schema.name
        there = settings.location() or (folder / schema.file).exists()
        if there and counters_of(schema.metadata) is not None:
            found = True
            asyncio.run(_recount(schema, folder, settings, arguments.tenant))
    if not found:
        raise FailedPrecondition(f"no service has counters in a database below {arguments.data}")


async def _recount(
    schema: Schema, folder: Path, settings: DatabaseSettings, only: str | None
) -> None:
    database = open_database(folder, schema, settings)
    try:
        tenants = [only] if only else await _tenants(database, schema)
        wrong = 0
        for tenant in tenants:
            before, right = await database.of(tenant).write(lambda c: _put_right(c, schema))
            if before != right:
                wrong += 1
                _say(
                    schema.name,
                    f"tenant {tenant}: counted {_told(before)}; there are {_told(right)}",
                )
        _say(schema.name, f"{len(tenants)} tenants are counted, of {wrong} the counters were wrong")
    finally:
        await database.close()


async def _tenants(database: Database, schema: Schema) -> list[str]:
    return await database.read(lambda c: tenants_counted(c, schema.metadata))


def _put_right(
    connection: TenantConnection, schema: Schema
) -> tuple[dict[str, int], dict[str, int]]:
    """What the counters of the transaction's tenant were, and what they are now."""
    counters = counters_of(schema.metadata)
    assert counters is not None  # noqa: S101 - see `run`
    table = counters.table
    names = [column.name for column in table.c if column.name != "tenant"]
    columns = [table.c[name] for name in names]
    row = connection.execute(select(*columns).where(table.c.tenant == TENANT)).one_or_none()
    before = dict(zip(names, row or (0,) * len(names), strict=True))
    right = recounted(connection.unscoped, schema.metadata, connection.tenant)
    if before != right:
        connection.execute(delete(table).where(table.c.tenant == TENANT))
        connection.execute(insert(table), right)
    return before, right


def _told(counts: dict[str, int]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in counts.items())


def _say(service: str, line: str) -> None:
    sys.stdout.write(f"{service}: {line}\n")
    sys.stdout.flush()
