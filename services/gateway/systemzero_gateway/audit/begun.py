"""Acts that were begun and are not in the log yet: in a file, so that a killed gateway leaves them.

An act is in the log some time after it was done. A gateway that is killed in between would have
done what nobody wrote down. So each is noted before anything is done; the next start that finds it
puts it into the log.

Invariants:
1. An act that is let in stands in the file before it goes on, and until its entry is in the log.
2. A file belongs to one process, by a lock that ends with it; what others left is taken over.
3. There are at most as many acts as may wait for the log, and so many bytes of each.
4. What is left is not moved out of its place before it stands in another: a full disk loses none.
   An act has all of its bytes from the start, so that there is room to forget it.
5. Where the folder is given to be read alone (mounted keys, and no `notes`), the file is a
   temporary one, and the log says so: a killed gateway leaves nothing there.
"""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from systemzero_base.telemetry.logs import get_logger
from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.audit.act import Act, Decided, Recorded
from systemzero_gateway.places import READ_ONLY

NAME: Final = "audit.begun"
INTERRUPTED: Final = "INTERRUPTED"
"""The reason of an act of which nobody knows how it ended."""
_UNKNOWN: Final = (Decided.FAILED, INTERRUPTED)
_FILES: Final = 256
_BYTES: Final = 1_024
_FREE: Final = bytes(_BYTES)
_MODE: Final = 0o600


class _Noted(msgspec.Struct, array_like=True):
    tenant: str
    principal: str
    method: str
    network: str
    address: str
    trace_id: str
    request_id: str
    time: int


class Begun:
    """The acts of this process that are under way, or wait to be written."""

    def __init__(self, folder: Path) -> None:
        """Blocks; for the start. `left` are acts of processes that are no more.

        Raises:
            FailedPrecondition: there can be no file in `folder`.
        """
        self.left: list[Recorded] = []
        self._free: list[int] = []
        self._slots = 0
        self._file = -1
        try:
            self._file = self._open(folder)
        except OSError as error:
            if self._file >= 0:
                self.close()
            if error.errno not in READ_ONLY:
                raise FailedPrecondition(f"{folder / NAME}: {error.strerror or error}") from None
            why = error.strerror or str(error)
            get_logger("gateway").warning("acts.not_kept", file=str(folder / NAME), error=why)
            self._file = _nobodys()

    def note(self, act: Act, address: str, trace_id: str, request_id: str, time: int) -> int:
        """Note an act that begins; where it stands, for `forget`."""
        noted = _Noted(*act[:4], address, trace_id, request_id, time)
        content = msgspec.msgpack.encode(noted)
        if len(content) > _BYTES - 2:
            noted.method, noted.request_id, noted.address = act.method[:128], "", address[:128]
            content = msgspec.msgpack.encode(noted)
        slot = self._free.pop() if self._free else self._slots
        self._slots = max(self._slots, slot + 1)
        try:
            _write(self._file, len(content).to_bytes(2) + content, slot * _BYTES)
        except OSError:
            self._free.append(slot)
            raise
        return slot

    def forget(self, slot: int) -> None:
        """An act is in the log."""
        os.pwrite(self._file, _FREE, slot * _BYTES)
        self._free.append(slot)

    def close(self) -> None:
        """Leave the file to others."""
        os.close(self._file)

    def _open(self, folder: Path) -> int:
        """The first file that is nobody's; the acts in all that are nobody's are taken over."""
        own: int | None = None
        for number in range(_FILES):
            path = folder / f"{NAME}-{number}"
            if own is not None and not path.exists():
                return own
            file = os.open(path, os.O_RDWR | os.O_CREAT, _MODE)
            if not _is_ours(file):
                os.close(file)
                continue
            if own is None:
                own = self._file = file
                self._resume(file, path)
                continue
            try:
                for _, noted in _read(file, path):
                    self._leave(noted, self._again(noted))
                os.ftruncate(file, 0)
            finally:
                os.close(file)
        if own is None:
            raise OSError(f"{_FILES} processes have files here, which is all there may be")
        return own

    def _resume(self, file: int, path: Path) -> None:
        """Go on with a file whose acts stay where they are."""
        taken = dict(_read(file, path))
        if not taken:
            os.ftruncate(file, 0)
        self._slots = max(taken, default=-1) + 1
        self._free = [slot for slot in range(self._slots) if slot not in taken]
        for slot, noted in taken.items():
            self._leave(noted, slot)

    def _again(self, noted: _Noted) -> int:
        act = Act(noted.tenant, noted.principal, noted.method, noted.network, *_UNKNOWN)
        return self.note(act, noted.address, noted.trace_id, noted.request_id, noted.time)

    def _leave(self, noted: _Noted, slot: int) -> None:
        act = Act(noted.tenant, noted.principal, noted.method, noted.network, *_UNKNOWN)
        ids, times = (noted.address, noted.trace_id), (noted.time, noted.time)
        self.left.append(Recorded(act, *ids, *times, request_id=noted.request_id, slot=slot))


def _nobodys() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _is_ours(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write(file: int, content: bytes, start: int) -> None:
    """All of a slot, or nothing of it that counts."""
    if os.pwrite(file, content.ljust(_BYTES, b"\0"), start) < _BYTES:
        os.pwrite(file, _FREE[:2], start)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _read(file: int, path: Path) -> Iterator[tuple[int, _Noted]]:
    """The acts by slot. One that is cut off, as by a copy of the file, holds up no start."""
    for start in range(0, os.fstat(file).st_size, _BYTES):
        content = os.pread(file, _BYTES, start)
        size = int.from_bytes(content[:2])
        if not size:
            continue
        try:
            noted = msgspec.msgpack.decode(content[2 : 2 + size], type=_Noted)
        except msgspec.MsgspecError:
            get_logger("gateway").error("audit.begun_unreadable", file=str(path), at=start)
            continue
        yield start // _BYTES, noted
