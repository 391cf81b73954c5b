"""`sz-admin log-key`: rotate the key that signs a log.

Between the two steps, restart the service and give verifiers time: until the second, both sign.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any, Final

from systemzero_core.errors import FailedPrecondition
from systemzero_evidence.log import begin_rotation, finish_rotation

_NEXT: Final = {
    "begin": "the next key is made: restart the service, and both keys sign; later, finish",
    "finish": "the next key took the place of the old one, which is gone: restart the service",
}


def add(subparsers: Any) -> None:
    """Add the command to a command line."""
    parser = subparsers.add_parser(
        "log-key",
        help="rotate the key that signs a log, in two steps",
        description="Begin a rotation: both keys sign. Finish it: the old one is gone.",
    )
    parser.add_argument("step", choices=_NEXT)
    parser.add_argument(
        "--key", type=Path, required=True, help="the key's file, in its service's data folder"
    )
    parser.add_argument("--origin", default="", help="the log's origin, if one is configured")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> None:
    """Do one step.

    Raises:
        FailedPrecondition: it is not its turn, a key can't be read, or the origin is not known.
    """
    if arguments.step == "finish":
        finish_rotation(arguments.key)
    else:
        begin_rotation(arguments.key, arguments.origin or _origin(arguments.key))
    sys.stdout.write(f"{_NEXT[arguments.step]}\n")


def _origin(key: Path) -> str:
    """The origin that was made up for the log, in a file beside the key."""
    for name in (f"{key.stem}.origin", "origin"):
        if (key.parent / name).exists():
            return (key.parent / name).read_text()
    raise FailedPrecondition(f"no origin stands beside {key}: name the one that is configured")
