"""Acts that were begun and are not in the log yet: in a file, so that a killed gateway leaves them.

An act is in the log some time after it was done. A gateway that is killed in between would have
done what nobody wrote down. So each is noted before anything is done; the next start that finds it
puts it into the log.

Invariants:
1. An act that is let in stands in the file before it goes on, and until its entry is in the log.
2. A file belongs to one process, by a lock that ends with it; what others left is taken over.
3. There are at most as many acts as may wait for the log, and so many bytes of each.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Final

import msgspec

from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.audit.act import Act, Decided, Recorded

NAME: Final = "audit.begun"
INTERRUPTED: Final = "INTERRUPTED"
"""The reason of an act of which nobody knows how it ended."""
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
        try:
            self._file = self._open(folder)
        except OSError as error:
            raise FailedPrecondition(f"{folder / NAME}: {error.strerror or error}") from None

    def note(self, act: Act, address: str, trace_id: str, request_id: str, time: int) -> int:
        """Note an act that begins; where it stands, for `forget`."""
        noted = _Noted(*act[:4], address, trace_id, request_id, time)
        content = msgspec.msgpack.encode(noted)
        if len(content) > _BYTES - 2:
            noted.method, noted.request_id, noted.address = act.method[:128], "", address[:128]
            content = msgspec.msgpack.encode(noted)
        slot = self._free.pop() if self._free else self._slots
        self._slots = max(self._slots, slot + 1)
        os.pwrite(self._file, len(content).to_bytes(2) + content, slot * _BYTES)
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
            found = _read(file)
            if own is None:
                own = file
                os.ftruncate(own, 0)
            self._take_over(own, found)
            if file != own:
                os.ftruncate(file, 0)
                os.close(file)
        if own is None:
            raise OSError(f"{_FILES} processes have files here, which is all there may be")
        return own

    def _take_over(self, own: int, found: list[_Noted]) -> None:
        self._file = own
        for noted in found:
            reason = Decided.FAILED, INTERRUPTED
            act = Act(noted.tenant, noted.principal, noted.method, noted.network, *reason)
            ids = noted.address, noted.trace_id, noted.request_id
            slot = self.note(act, *ids, noted.time)
            entry = Recorded(act, *ids[:2], noted.time, noted.time, request_id=ids[2], slot=slot)
            self.left.append(entry)


def _is_ours(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(file: int) -> list[_Noted]:
    found = []
    for start in range(0, os.fstat(file).st_size, _BYTES):
        slot = os.pread(file, _BYTES, start)
        size = int.from_bytes(slot[:2])
        if size:
            found.append(msgspec.msgpack.decode(slot[2 : 2 + size], type=_Noted))
    return found
