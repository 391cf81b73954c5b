"""`sz-admin accept-captures`: go on with a capture database that lacks what others name.

A service that names another's rows remembers by a mark which database those were in. It says how
the mark is forgotten by an entry point of the group `systemzero.marks`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection

from systemzero_admin.schemas import installed
from systemzero_core.errors import FailedPrecondition
from systemzero_storage.database import DatabaseSettings, Schema, open_database

GROUP: Final = "systemzero.marks"

Forget = Callable[[Connection], bool]
"""Forgets the mark in a service's database; whether there was one."""


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "accept-captures",
        help="go on with a capture database that is older than what names its captures",
        description="Stop the services first. For when there is no newer backup: events and "
        "templates go on naming captures that are not there.",
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder of all services")
    parser.add_argument("--url-file", type=Path, help="file with the service's URL of PostgreSQL")
    parser.add_argument("--url", help="that URL, if it has no password")
    parser.add_argument("--yes", action="store_true", help="there is no newer backup")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Have the next capture database taken for the right one.

    Raises:
        FailedPrecondition: it is not confirmed, or a database is not there.
        DomainError: a database can't be opened.
    """
    if not arguments.yes:
        raise FailedPrecondition("captures that events name are lost by this: add --yes")
    settings = DatabaseSettings(url=arguments.url or "", url_file=arguments.url_file)
    for point in sorted(entry_points(group=GROUP), key=lambda found: found.name):
        [schema] = installed([point.name])
        folder = arguments.data / schema.name
        if not settings.location() and not (folder / schema.file).exists():
            raise FailedPrecondition(f"{folder / schema.file} is not there")
        forgotten = asyncio.run(_forget(point.load(), schema, folder, settings))
        done = "takes the capture database that comes next" if forgotten else "knew none yet"
        sys.stdout.write(f"{schema.name}: {done}\n")


async def _forget(forget: Forget, schema: Schema, folder: Path, settings: DatabaseSettings) -> bool:
    database = open_database(folder, schema, settings)
    try:
        return await database.write(forget)
    finally:
        await database.close()
