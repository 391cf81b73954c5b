"""What ended stays ended: keys that were revoked, secrets that were rotated away.

It is known outside the database.

A MAC does not tell today's row from yesterday's. Whoever puts the row of a key back from before it
was revoked, or that of a secret from before a rotation, is found by what stands here: both only
ever come to an end, and never to a later one.

Invariants:
1. What is noted is never forgotten, and an end is never moved to later. While the file takes
   nothing (its disk is full), memory has it, the log says so, and the next note writes it, too. In
   a folder of keys that is mounted to be read, memory is all there is, and the log says so.
2. A file that is there is read whole, or not believed at all: so an entry is in it whole or not.
3. It names nobody: digests under the pepper.
"""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from hashlib import blake2b
from pathlib import Path
from typing import Final

from systemzero_base.telemetry.logs import get_logger
from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.places import READ_ONLY

_ENTRY: Final = struct.Struct(">16sq")
_MODE: Final = 0o600


class Endings:
    """Ends by digest, in microseconds since 1970; in `file` too, if there is one."""

    def __init__(self, pepper: bytes, file: Path | None = None, *, writes: bool = True) -> None:
        """Blocks; for the start. Who looks on beside the service `writes` nothing.

        Raises:
            FailedPrecondition: the file can't be read or written, or holds something else.
        """
        self._key = pepper[:64]
        self._file = file
        self._ends: dict[bytes, int] = {}
        self._unwritten = b""
        if file is not None:
            self._load(file, writes=writes)

    def __len__(self) -> int:
        return len(self._ends)

    def note(self, kind: str, name: bytes, time: int) -> None:
        """What is called `name` ends at `time` at the latest."""
        digest = self._digest(kind, name)
        known = self._ends.get(digest)
        if known is None or time < known:
            self._ends[digest] = time
            self._unwritten += _ENTRY.pack(digest, time)
        if self._unwritten:
            self._write()

    def allows(self, kind: str, name: bytes, time: int | None) -> bool:
        """Whether it may be that `name` ends at `time`, None for never."""
        known = self._ends.get(self._digest(kind, name))
        return known is None or (time is not None and time <= known)

    def _write(self) -> None:
        if self._file is not None:
            try:
                _append(self._file, self._unwritten)
            except OSError as error:
                why = error.strerror or str(error)
                get_logger("gateway").error("endings.not_kept", file=str(self._file), error=why)
                return
        self._unwritten = b""

    def _load(self, file: Path, *, writes: bool) -> None:
        try:
            if writes and not self._begin(file):
                self._file = None
            content = file.read_bytes() if file.exists() else b""
        except OSError as error:
            raise FailedPrecondition(f"{file}: {error.strerror or error}") from None
        if len(content) % _ENTRY.size:
            raise FailedPrecondition(f"{file}: is no list of what ended; restore it from a backup")
        for digest, time in _ENTRY.iter_unpack(content):
            self._ends[digest] = min(time, self._ends.get(digest, time))

    @staticmethod
    def _begin(file: Path) -> bool:
        """Have the file; False where nobody may write there."""
        try:
            _append(file, b"")
        except OSError as error:
            if error.errno not in READ_ONLY:
                raise
            why = error.strerror or str(error)
            get_logger("gateway").warning("endings.not_kept", file=str(file), error=why)
            return False
        return True

    def _digest(self, kind: str, name: bytes) -> bytes:
        return blake2b(name, digest_size=16, key=self._key, person=kind.encode()).digest()


def _append(file: Path, entries: bytes) -> None:
    """All of them or nothing; several workers have the file."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        if os.write(descriptor, entries) < len(entries):
            os.ftruncate(descriptor, size)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    finally:
        os.close(descriptor)
