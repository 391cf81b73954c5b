"""Numbers by key, which processes share: in memory mapped from one file, without a server.

A key's keyed digest says in which row it may be, and a row has `_WAYS` slots of a digest and a
number.

Invariants:
1. A process that dies lets go of the lock, whenever it dies: the kernel sees to it.
2. The table does not grow. Where a row is full, its least number makes room; since digests are
   keyed, nobody can choose whose row they fall into.
3. The file's blocks are all there from the start: a disk that fills up later fails no access.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

ROWS: Final = 1 << 15
"""With these a tenth of a million of used keys find room; 6 MB."""

_WAYS: Final = 8
_DIGEST: Final = 16
_NUMBER: Final = 8
_KEY: Final = 64
"""Bytes at the start of the file: the key of the digests."""
_ROW: Final = _WAYS * (_DIGEST + _NUMBER)
"""Bytes of a row: all of its digests, then all of its numbers."""
_PLACES: Final = 4_096

Slot = tuple[bytes, int]
"""The digest of a key, and where its row begins."""


class Table:
    """The table in a file; `with` it, no other process reads or changes it."""

    def __init__(self, file: Path, rows: int = ROWS) -> None:
        """Opens `file`, which is made where there is none; its folder MUST be the processes' alone.

        They have to agree on `rows`: a file of another size is made anew.

        Raises:
            OSError: it can't be opened, or there is no room for it.
        """
        self._rows = rows
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            with self:
                self._memory = _mapped(self._file, _KEY + rows * _ROW)
        except BaseException:
            os.close(self._file)
            raise
        self._digest_key = self._memory[:_KEY]
        self._numbers = memoryview(self._memory).cast("d")
        self.place = lru_cache(_PLACES)(self._place_of)

    def __enter__(self) -> None:
        """Wait until no other process has it."""
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        """Let the others have it."""
        fcntl.flock(self._file, fcntl.LOCK_UN)

    def get(self, place: Slot) -> float:
        """The number of the key at `place`; 0 if there is none."""
        slot = self._slot(place)
        return 0.0 if slot < 0 else self._numbers[slot]

    def put(self, place: Slot, number: float) -> None:
        """Give the key at `place` a number."""
        slot = self._slot(place)
        if slot < 0:
            digest, row = place
            first = (row + _WAYS * _DIGEST) // _NUMBER
            numbers = self._numbers[first : first + _WAYS].tolist()
            way = numbers.index(min(numbers))
            self._memory[row + way * _DIGEST : row + (way + 1) * _DIGEST] = digest
            slot = first + way
        self._numbers[slot] = number

    def close(self) -> None:
        """Let go of the file; the last call."""
        self._numbers.release()
        self._memory.close()
        os.close(self._file)

    def _place_of(self, key: str) -> Slot:
        digest = blake2b(key.encode(), digest_size=_DIGEST, key=self._digest_key).digest()
        return digest, _KEY + int.from_bytes(digest[:4], "big") % self._rows * _ROW

    def _slot(self, place: Slot) -> int:
        """The index, among the numbers, of that of the key at `place`; -1 if there is none."""
        digest, row = place
        at = row
        while True:
            at = self._memory.find(digest, at, row + _WAYS * _DIGEST)
            way, odd = divmod(at - row, _DIGEST)
            if at < 0 or not odd:
                return -1 if at < 0 else (row + _WAYS * _DIGEST) // _NUMBER + way
            at += 1  # it lies across two digests that are not it


def _mapped(file: int, size: int) -> mmap.mmap:
    if os.fstat(file).st_size != size:
        os.truncate(file, 0)
        os.truncate(file, size)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file, 0, size)
        os.pwrite(file, os.urandom(_KEY), 0)
    return mmap.mmap(file, size)
