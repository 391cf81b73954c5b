"""Rotate the log's key: `python -m systemzero_diff.rotate begin|finish --data FOLDER`.

Between the two, restart the service and give clients time: until the second, both keys sign.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from systemzero_chassis.logstore import (
    begin_rotation,
    finish_rotation,
    load_or_create_origin,
)
from systemzero_core.errors import DomainError
from systemzero_diff.places import LOG_KEY, ORIGIN_FILE

_NEXT = {
    "begin": "the next key is made: restart the service, and both keys sign; then `finish`",
    "finish": "the next key took the place of the old one, which is gone: restart the service",
}


def main() -> int:
    """Do one step; the exit status: 0, or 2 for what stops it."""
    parser = argparse.ArgumentParser(prog="systemzero_diff.rotate", description="Rotate a log key.")
    parser.add_argument("step", choices=_NEXT)
    parser.add_argument("--data", type=Path, required=True, help="the diff service's data folder")
    parser.add_argument("--origin", default="", help="the origin that is configured, if one is")
    arguments = parser.parse_args()
    key: Path = arguments.data / LOG_KEY
    try:
        if arguments.step == "finish":
            finish_rotation(key)
        else:
            name = arguments.origin or load_or_create_origin(arguments.data / ORIGIN_FILE)
            begin_rotation(key, name)
    except (DomainError, OSError) as error:
        sys.stderr.write(f"systemzero_diff.rotate: {error}\n")
        return 2
    sys.stdout.write(f"{_NEXT[arguments.step]}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
