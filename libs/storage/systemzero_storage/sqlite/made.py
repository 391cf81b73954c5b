"""A file beside a SQLite database that says that it was made: `diff.db.made`.

A database that is gone looks like one that was never there. A service would begin an empty one, and
with its key and origin, which are still there, a second log of the same name. So does one of no
bytes, as a restore leaves it that was broken off.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from systemzero_base.secrets import write_private
from systemzero_core.errors import FailedPrecondition

SUFFIX: Final = ".made"


def check_not_lost(path: Path) -> None:
    """Check that the database at `path` is there, if it ever was.

    Raises:
        FailedPrecondition: it is not; says what to do.
    """
    marker = _marker(path)
    if marker.exists() and not (path.exists() and path.stat().st_size):
        how = "empty" if path.exists() else "missing"
        raise FailedPrecondition(
            f"{path} is {how}, though {marker.name} says that it was made: restore it from a "
            f"backup; or to begin anew, with new keys, move the folder {path.parent} away"
        )


def note_made(path: Path) -> None:
    """Note that the database at `path` was made; nothing to do where that is noted."""
    marker = _marker(path)
    if not marker.exists():
        with suppress(FileExistsError):  # another process was first
            write_private(marker, f"{path.name} was made here. It is not to be lost.\n".encode())


def _marker(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)
