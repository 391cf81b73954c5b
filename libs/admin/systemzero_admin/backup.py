"""`sz-admin backup` and `sz-admin restore`: a data folder with SQLite files, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from systemzero_admin.schemas import installed
from systemzero_storage.database.backup import back_up, restore, total_size


def add(subparsers: Any) -> None:
    """Add the commands to a command line."""
    parser = subparsers.add_parser(
        "backup",
        help="back up a data folder while it is in use",
        description="Copy databases (each as of one moment) and keys. The folder holds secrets. "
        "On PostgreSQL, back up the database by its own means, and the data folder's keys by this.",
    )
    parser.add_argument("--data", type=Path, required=True, help="data folder of all services")
    parser.add_argument("--to", type=Path, required=True, help="folder to make the backup in")
    parser.set_defaults(run=_back_up)
    parser = subparsers.add_parser(
        "restore",
        help="make a data folder from a backup",
        description="Restore a backup into a data folder that is not there yet.",
    )
    parser.add_argument("backup", type=Path, help="folder that `sz-admin backup` made")
    parser.add_argument("--data", type=Path, required=True, help="data folder to make")
    parser.set_defaults(run=_restore)


def _back_up(arguments: argparse.Namespace) -> None:
    manifest = back_up(arguments.data, arguments.to, installed())
    size = total_size(manifest.files)
    sys.stdout.write(f"{arguments.to}: {len(manifest.files)} files, {size} bytes\n")


def _restore(arguments: argparse.Namespace) -> None:
    manifest = restore(arguments.backup, arguments.data)
    sys.stdout.write(
        f"{arguments.data}: as of {manifest.create_time}\n"
        f"check it: sz-admin check --data {arguments.data} --extends CHECKPOINT\n"
    )
