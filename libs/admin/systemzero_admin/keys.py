"""`sz-admin keys`: the key files of services that run apart, made before they run.

A service makes its own at its first start, in a data folder that it may write to. Replicas have to
share theirs, and services in containers get them as mounted secrets, which nobody can write to: so
they are made here, one folder a service as its `data` wants it, and `trust` with the public halves.

A service says how its own are made by an entry point of the group `systemzero.keys`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

from systemzero_base.internal.trust import service_signer

GROUP: Final = "systemzero.keys"
TRUST: Final = "trust"
APART: Final = "first-keys"
"""Folder of what people need, and no service: first API keys."""

MakeKeys = Callable[[Path], None]
"""Makes a service's key files in a folder, and leaves alone those that are there."""


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "keys",
        help="make the key files of services that run apart",
        description="Make the key files that are missing; none is ever replaced.",
    )
    parser.add_argument("--to", type=Path, required=True, help="folder to make them below")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Make the files of each service that is installed here.

    Raises:
        FailedPrecondition: a file that is there can't be used.
        OSError: one can't be written.
    """
    for point in sorted(entry_points(group=GROUP), key=lambda found: found.name):
        folder: Path = arguments.to / point.name
        make: MakeKeys = point.load()
        make(folder)
        service_signer(point.name, folder, arguments.to / TRUST)
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        sys.stdout.write(f"{folder}: {', '.join(names)}\n")
    apart: Path = arguments.to / APART
    if apart.is_dir():
        names = sorted(path.name for path in apart.iterdir())
        sys.stdout.write(f"{apart}: {', '.join(names)}: for admins, and for no service\n")
    sys.stdout.write(f"{arguments.to / TRUST}: the public keys, for every service\n")
