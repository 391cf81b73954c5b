"""Values that must not be printed, and the files that hold keys.

Invariants:
1. `repr`, `str` and formatting of a `Secret` never show its value; only `reveal` does.
2. A key file appears whole and with mode 0600, or not; one that others may read is refused.
3. A file that is somebody else's may be open to its group, or it could not be read at all: so are
   secrets mounted into a container whose user is not root.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path


class Secret:
    """A string that no log line, error text or trace shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The value itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)


def write_private(path: Path, data: bytes) -> None:
    """Create `path` with mode 0600, holding `data` whole and durably, or not at all.

    Raises:
        FileExistsError: the file is there already; it is left alone.
    """
    temporary = _written_beside(path, data)
    try:
        path.hardlink_to(temporary)  # unlike a rename, never replaces
    finally:
        temporary.unlink()
    sync_folder(path.parent)


def replace_private(path: Path, data: bytes) -> None:
    """Make `path` hold `data` with mode 0600, whole and durably, or leave it as it was."""
    _written_beside(path, data).replace(path)
    sync_folder(path.parent)


def private_folder(path: Path) -> None:
    """Make sure that the folder is there; it, and each above it that is made, has mode 0700.

    `mkdir` by itself gives the mode to the last one alone, and those above to everybody.
    """
    if not path.is_dir():
        private_folder(path.parent)
        path.mkdir(mode=0o700, exist_ok=True)  # another process may have been first


def sync_folder(folder: Path) -> None:
    """Make what was created or renamed in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _written_beside(path: Path, data: bytes) -> Path:
    """A new file in the folder of `path`, with mode 0600, that holds `data` durably."""
    private_folder(path.parent)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:  # mkstemp gives it mode 0600
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        Path(temporary).unlink()
        raise
    return Path(temporary)


def read_private(path: Path, forbidden: int = 0o077) -> bytes:
    """The bytes of a key file.

    Raises:
        PermissionError: the file has one of the `forbidden` mode bits: group or others may read it;
            its group may where the file is another user's.
        FileNotFoundError: there is none.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())  # of the file that is read
        mode = stat.S_IMODE(status.st_mode)
        if status.st_uid != os.geteuid():
            forbidden &= ~stat.S_IRGRP
        if mode & forbidden:
            raise PermissionError(f"{path}: mode {mode:04o} lets others read a key; make it 0600")
        return file.read()


def load_or_create_secret(path: Path, size: int = 32) -> bytes:
    """The `size` random bytes in the file at `path`, made once.

    Raises:
        PermissionError: group or others may read the file.
    """
    try:
        return read_private(path)
    except FileNotFoundError:
        with suppress(FileExistsError):  # another process was first
            write_private(path, os.urandom(size))
        return read_private(path)
