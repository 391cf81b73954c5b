"""`sz-admin adopt-log`: sign entries that the signer did not write, and record that it was done.

A service says how its log is opened by an entry point of the group `systemzero.logs`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from systemzero_admin.encryption import add_config, keks_of
from systemzero_admin.schemas import installed
from systemzero_core.errors import FailedPrecondition
from systemzero_evidence.log import LogStore
from systemzero_storage.database import Database, DatabaseSettings, open_database
from systemzero_storage.sealing import with_keys

GROUP: Final = "systemzero.logs"

OpenLog = Callable[[Database, Path, str], LogStore]
"""Opens a service's log beside it, from its database, its data folder, and the configured origin
(or nothing)."""


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "adopt-log",
        help="have a log signed that has entries its signer did not write",
        description="Stop the service first, and read the entries: they may be forged. The log "
        "records for ever which were adopted.",
    )
    parser.add_argument("tenant")
    with_log = sorted(point.name for point in entry_points(group=GROUP))
    parser.add_argument("--service", required=True, choices=with_log)
    parser.add_argument("--data", type=Path, required=True, help="data folder, with the keys")
    parser.add_argument("--url-file", type=Path, help="file with the service's URL of PostgreSQL")
    parser.add_argument("--url", help="that URL, if it has no password")
    parser.add_argument("--origin", default="", help="the log's origin, if one is configured")
    parser.add_argument("--yes", action="store_true", help="the entries were read")
    add_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Adopt the entries of one tenant's log.

    Raises:
        FailedPrecondition: it is not confirmed, or a key file is missing.
        DataCorrupted: an entry contradicts its own hashes.
    """
    if not arguments.yes:
        raise FailedPrecondition("entries that the signer did not write may be forged: add --yes")
    [schema] = installed([arguments.service])
    settings = DatabaseSettings(url=arguments.url or "", url_file=arguments.url_file)
    folder = arguments.data / schema.name
    if not settings.location() and not (folder / schema.file).exists():
        raise FailedPrecondition(f"{folder / schema.file} is not there")
    database = open_database(folder, schema, settings)
    sealed = with_keys(database, schema, keks_of(arguments.config))
    [point] = entry_points(group=GROUP, name=schema.name)
    open_log: OpenLog = point.load()

    async def work() -> str:
        try:
            adopted = await open_log(sealed, folder, arguments.origin).adopt(
                arguments.tenant, datetime.now(UTC)
            )
        finally:
            await sealed.close()
        if adopted is None:
            return "every entry was written by who signs"
        return f"entries {adopted.first} to {adopted.last} are adopted, and the log says so"

    sys.stdout.write(f"{schema.name}: tenant {arguments.tenant}: {asyncio.run(work())}\n")
