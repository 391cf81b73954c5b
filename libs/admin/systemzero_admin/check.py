"""`sz-admin check`: whether everything that is stored is what was stored.

A service says how its own is checked by an entry point of the group `systemzero.checks`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, select

from systemzero_admin.encryption import add_config, keks_of
from systemzero_admin.schemas import installed
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_core.tlog import parse_checkpoint
from systemzero_storage.database import (
    TENANT,
    Database,
    DatabaseSettings,
    Schema,
    TenantConnection,
    look_at_database,
)
from systemzero_storage.database.backup import is_backup
from systemzero_storage.sealing import Keks, SealedDatabase, with_keys
from systemzero_storage.tenancy.counters import Counters, counters_of, recounted, tenants_counted
from systemzero_storage.tenancy.foreign import check_nothing_foreign

GROUP: Final = "systemzero.checks"

Check = Callable[[Database, Path, str, list[str]], AsyncIterator[str]]
"""Yields a line for each thing that was found whole; raises `DataCorrupted` for what is not.

It is given the service's database, its data folder, the log's configured origin (or nothing), and
signed checkpoints that the logs here must extend, of which it takes out its own.
"""


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "check",
        help="check that everything stored is what was stored",
        description="Check databases, logs, and the rows that rest on them; also while serving.",
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder of all services")
    parser.add_argument("--url-file", type=Path, help="file with a service's URL of PostgreSQL")
    parser.add_argument("--url", help="that URL, if it has no password")
    parser.add_argument("--origin", default="", help="the log's origin, if one is configured")
    parser.add_argument(
        "--audit-origin", default="", help="the audit log's origin, if one is configured"
    )
    parser.add_argument(
        "--extends",
        type=Path,
        action="append",
        default=[],
        help="file with a checkpoint that its log must extend: of a client, a witness, a mirror",
    )
    parser.add_argument(
        "--service", action="append", help="only this one (may be repeated); else all installed"
    )
    add_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Check each service's database.

    Raises:
        DataCorrupted: the first thing that is not as it was stored, named.
        FailedPrecondition: a checkpoint is of no log that was checked; or a database is missing.
        ConfigError: `--config` can't be used.
        DomainError: a database can't be opened, or what is sealed in it.
    """
    settings = DatabaseSettings(url=arguments.url or "", url_file=arguments.url_file)
    notes = [path.read_text() for path in arguments.extends]
    keks = keks_of(arguments.config)
    schemas = installed(arguments.service)
    if not settings.location():
        schemas = _with_a_file(arguments.data, schemas, named=bool(arguments.service))
    for schema in schemas:
        folder = arguments.data / schema.name
        origin = arguments.audit_origin if schema.log == "audit" else arguments.origin
        asyncio.run(_check(schema, folder, settings, keks, origin, notes))
    if notes:
        origins = ", ".join(repr(parse_checkpoint(note).origin) for note in notes)
        raise FailedPrecondition(f"no log here is the checkpoint's: {origins:.300}")


def _with_a_file(data: Path, schemas: Sequence[Schema], *, named: bool) -> list[Schema]:
    """The services that have a database in `data`; all that were `named` must have one."""
    found = [schema for schema in schemas if (data / schema.name / schema.file).exists()]
    if not found:
        raise FailedPrecondition(f"no service has a database below {data}")
    for schema in schemas:
        folder = data / schema.name
        beside = next((path for path in sorted(folder.glob("*")) if path.is_file()), None)
        if schema not in found and (named or beside):
            though = f", though {schema.name}/{beside.name} is there" if beside else ""
            raise FailedPrecondition(
                f"{folder / schema.file} is missing{though}: restore it from a backup, or name the "
                "services that have a database here by --service"
            )
    return found


async def _check(
    schema: Schema,
    folder: Path,
    settings: DatabaseSettings,
    keks: Keks | None,
    origin: str,
    notes: list[str],
) -> None:
    at_rest = is_backup(folder.parent)
    looked_at = look_at_database(folder, schema, settings, at_rest=at_rest)
    database = with_keys(looked_at, schema, keks)
    try:
        if not settings.location():
            await database.read(_check_file)
        await database.read(lambda c: check_nothing_foreign(c, schema.metadata))
        if isinstance(database, SealedDatabase):
            await database.check_keys()
        _say(schema.name, "the database is whole")
        for point in entry_points(group=GROUP, name=schema.name):
            check: Check = point.load()
            async for line in check(database, folder, origin, notes):
                _say(schema.name, line)
        await _check_counters(database, schema)
    finally:
        await database.close()


async def _check_counters(database: Database, schema: Schema) -> None:
    counters = counters_of(schema.metadata)
    if counters is None:
        return
    tenants = await database.read(lambda c: tenants_counted(c, schema.metadata))
    for tenant in tenants:
        # in one transaction: a service may write meanwhile
        await database.of(tenant).read(lambda c: _compare_counters(c, schema, counters))
    _say(schema.name, f"what {len(tenants)} tenants store is what their counters say")


def _compare_counters(connection: TenantConnection, schema: Schema, counters: Counters) -> None:
    table = counters.table
    row = connection.execute(select(table).where(table.c.tenant == TENANT)).mappings().one_or_none()
    right = recounted(connection.unscoped, schema.metadata, connection.tenant)
    for name, count in right.items():
        found = row[name] if row else 0
        if found != count:
            raise DataCorrupted(
                f"tenant {connection.tenant!r:.80}: the counter {name} says {found:,}, and there "
                f"are {count:,}: run `sz-admin recount`"
            )


def _check_file(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA integrity_check(1)").scalar_one()
    if found != "ok":
        raise DataCorrupted(f"the database's file is damaged: {found}")


def _say(service: str, line: str) -> None:
    sys.stdout.write(f"{service}: {line}\n")
    sys.stdout.flush()
