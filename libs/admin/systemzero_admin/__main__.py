"""The command line of `sz-admin`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from systemzero_admin import (
    accept,
    adopt,
    backup,
    check,
    encryption,
    keys,
    log_key,
    migrate,
    recount,
    recovery,
)
from systemzero_base.settings.config import ConfigError
from systemzero_core.errors import DomainError

_COMMANDS = (migrate, check, backup, keys, recovery, log_key, adopt, accept, encryption, recount)
"""Each has `add(subparsers)`, which sets `run`: a function of the parsed arguments."""


def main(given: Sequence[str] | None = None) -> int:
    """Run the command that is `given`, else the process's arguments; the exit status.

    0, or 2 for what stops it, told on standard error.
    """
    parser = argparse.ArgumentParser(prog="sz-admin", description="Look after the databases.")
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in _COMMANDS:
        command.add(subparsers)
    arguments = parser.parse_args(given)
    try:
        arguments.run(arguments)
    except (ConfigError, DomainError, OSError) as error:
        sys.stderr.write(f"sz-admin: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
