"""Files that are written whole or not at all, and never where a link leads.

Invariants:
1. A file stands at its place complete and durable, or what was there stays as it was.
2. It is its owner's alone, from its first byte on, unless the caller wants others to read it: it
   may hold a screen, or a key.
3. Nothing but a regular file is replaced. A link is not followed: who may write into the folder
   would choose what is overwritten.
4. A name that somebody else chose becomes one component of a path; see `component`.
"""

from __future__ import annotations

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE = 0o600
_LONGEST_NAME = 100
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._-]")


def component(text: str) -> str:
    """`text` as one component of a path: letters, digits, dots, dashes; no dot at its beginning."""
    name = _NOT_IN_NAMES.sub("_", text[:_LONGEST_NAME])
    return f"_{name[1:]}" if name[:1] in ("", ".") else name


def check_target(path: Path) -> None:
    """Check that a file may be written at `path`: a new one, or in place of a regular one.

    Raises:
        OSError: there is something else; it says what, and what to do.
    """
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISLNK(mode):
        raise _refused(path, "is a link, and links are not followed; name the file itself")
    if not stat.S_ISREG(mode):
        raise _refused(path, "is there already and no file; `-` is standard output")


@contextmanager
def writing(path: Path, *, mode: int = PRIVATE) -> Iterator[BinaryIO]:
    """A file to write, which stands at `path` once the block has ended without an error.

    Args:
        path: its place; the folder must be there.
        mode: who may read it.

    Raises:
        OSError: it cannot be written; what was at `path` is as it was.
    """
    check_target(path)
    temporary = path.parent / f".sz-{secrets.token_hex(8)}"
    try:
        with os.fdopen(_created(temporary, path), "wb") as file:
            yield file
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        check_target(path)  # again: it took a while
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write `data`; as `writing`, but missing folders are made, for their owner alone.

    Raises:
        OSError: it cannot be written; what was at `path` is as it was.
    """
    make_folder(path.parent)
    with writing(path, mode=mode) as file:
        file.write(data)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where they are missing: for their owner alone.

    Raises:
        OSError: it cannot be made.
    """
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def is_private(path: Path) -> bool:
    """Whether nobody but its owner can read or change the file."""
    return path.stat().st_mode & 0o077 == 0


def _created(temporary: Path, path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(temporary, flags, PRIVATE)
    except OSError as error:
        error.filename = str(path)  # nobody knows the other name
        raise


def _refused(path: Path, why: str) -> OSError:
    return FileExistsError(errno.EEXIST, why, str(path))
