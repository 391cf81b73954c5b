"""`sz-admin migrate`: bring the databases of the services installed here to the newest schema."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from systemzero_admin.schemas import installed
from systemzero_storage.database import DatabaseSettings


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "migrate",
        help="bring the databases to the newest schema",
        description="Migrate the SQLite files below a data folder, or the schemas on PostgreSQL.",
    )
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument(
        "--data", type=Path, help="data folder of the standalone service, with SQLite files"
    )
    place.add_argument("--url-file", type=Path, help="file with the URL of the schemas' owner")
    place.add_argument("--url", help="that URL, if it has no password")
    parser.add_argument("--role", help="role that the services connect with: gets access to rows")
    parser.add_argument(
        "--service", action="append", help="only this one (may be repeated); else all installed"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Migrate each service's database.

    Raises:
        ConfigError: the URL has a password, or its file can't be read.
        DomainError: a database can't be migrated; those before it are.
    """
    # Alembic takes a while to load: not for those who ask for help
    from systemzero_storage.database.migrate import migrate_postgres, migrate_sqlite

    settings = DatabaseSettings(url=arguments.url or "", url_file=arguments.url_file)
    url = settings.location()
    for schema in installed(arguments.service):
        if url:
            versions = migrate_postgres(url, schema, arguments.role)
        else:
            versions = migrate_sqlite(arguments.data / schema.name, schema)
        before, after = versions
        said = f"is at version {after}" if before == after else f"from version {before} to {after}"
        sys.stdout.write(f"{schema.name}: {said}\n")
