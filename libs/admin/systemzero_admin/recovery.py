"""`sz-admin recovery-key`: an admin key where the data is, for a tenant whose admins have none.

The service that keeps API keys makes it, by its entry point of the group `systemzero.recoveries`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from systemzero_admin.schemas import installed
from systemzero_core.errors import FailedPrecondition, NotFound
from systemzero_storage.database import Database, DatabaseSettings, Schema, open_database

GROUP: Final = "systemzero.recoveries"

Recover = Callable[[Database, Path, str, Path, str], Awaitable[str]]
"""Makes a key: of a database, a data folder, a tenant, a file for the secret, the log's origin."""


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "recovery-key",
        help="make an admin key where the data is, when nobody has one any more",
        description="Add a key that may do everything to a tenant, with its secret in a new file "
        "of mode 0600, and an entry of it to the audit log. Also while serving.",
    )
    parser.add_argument("tenant", help="`platform` for the platform's own")
    parser.add_argument("--data", type=Path, required=True, help="data folder of all services")
    parser.add_argument("--url-file", type=Path, help="file with the gateway's URL of PostgreSQL")
    parser.add_argument("--url", help="that URL, if it has no password")
    parser.add_argument("--to", type=Path, required=True, help="file to make, for the secret")
    parser.add_argument(
        "--audit-origin", default="", help="the audit log's origin, if one is configured"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Make the key.

    Raises:
        NotFound: there is no such tenant, or no service that keeps keys.
        FailedPrecondition: the tenant is suspended, or a file is or is not there.
        DomainError: the database can't be opened, or its audit log was altered.
    """
    settings = DatabaseSettings(url=arguments.url or "", url_file=arguments.url_file)
    for point in entry_points(group=GROUP):
        (schema,) = installed([point.name])
        folder = arguments.data / schema.name
        if not settings.location() and not (folder / schema.file).exists():
            raise FailedPrecondition(f"{folder / schema.file} is not there")
        key_id = asyncio.run(_recover(point.load(), schema, folder, settings, arguments))
        sys.stdout.write(f"{arguments.to}: {key_id}, an admin of {arguments.tenant}\n")
        return
    raise NotFound("no service that keeps API keys is installed here")


async def _recover(
    recover: Recover,
    schema: Schema,
    folder: Path,
    settings: DatabaseSettings,
    arguments: argparse.Namespace,
) -> str:
    database = open_database(folder, schema, settings)
    try:
        return await recover(
            database, folder, arguments.tenant, arguments.to, arguments.audit_origin
        )
    finally:
        await database.close()
