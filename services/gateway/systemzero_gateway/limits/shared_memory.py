"""Buckets that the workers of one gateway share: in memory mapped from one file, without a server.

The file is a table of a fixed size. A key's keyed digest says in which row it may be, and a row has
`_WAYS` slots of a digest and a TAT (see `gcra`). Nobody has to tidy up: a slot whose TAT is past is
one of a bucket that is full, which need not be remembered (invariant 4 of `gcra`).

Invariants:
1. A decision holds the file's lock, so that calls of all workers are decided one after the other,
   by a clock that is read under it. Nothing is awaited meanwhile.
2. A worker that dies lets go of the lock, whenever it dies: the kernel sees to it. What it leaves
   half-written is a bucket with less or more in it than it should have, never one that is stuck.
3. The table does not grow. Where a row is full of buckets that are not, the one that is full again
   soonest is forgotten; since digests are keyed, nobody can choose whose row they fall into.
"""

from __future__ import annotations

import fcntl
import mmap
import os
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from typing import Final

from systemzero_gateway.limits.gcra import Bucket, Decision, decide

ROWS: Final = 1 << 15
"""With these a tenth of a million of used buckets find room; 6 MB, of which only what is touched is
taken."""

_WAYS: Final = 8
_DIGEST: Final = 16
_TAT: Final = 8
_KEY: Final = 64
"""Bytes at the start of the file: the key of the digests."""
_ROW: Final = _WAYS * (_DIGEST + _TAT)
"""Bytes of a row: all of its digests, then all of its TATs."""
_PLACES: Final = 4_096

_Place = tuple[bytes, int]
"""The digest of a key, and where its row begins."""


class SharedMemoryLimits:
    """See `LocalLimits`; for one thread of each process, which waits for the others' decisions."""

    def __init__(self, file: Path, clock: Callable[[], float], rows: int = ROWS) -> None:
        """Opens `file`, which is made where there is none; its folder MUST be the workers' alone.

        `clock` gives seconds, never goes back, and is the same in all processes. They have to agree
        on `rows`.
        """
        self._clock = clock
        self._rows = rows
        self._file = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            if not os.fstat(self._file).st_size:
                os.truncate(self._file, _KEY + rows * _ROW)
                os.pwrite(self._file, os.urandom(_KEY), 0)
            self._memory = mmap.mmap(self._file, _KEY + rows * _ROW)
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._digest_key = self._memory[:_KEY]
        self._tats = memoryview(self._memory).cast("d")
        self._place = lru_cache(_PLACES)(self._place_of)

    def look(self, bucket: Bucket, cost: int) -> Decision:
        """See `LocalLimits.look`."""
        place = self._place(bucket.key)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            slot = self._slot(place)
            tat = 0.0 if slot < 0 else self._tats[slot]
            return decide(bucket.rate, tat, self._clock(), cost, bucket.spare)[0]
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def take_one(self, bucket: Bucket, cost: int) -> Decision:
        """See `LocalLimits.take_one`."""
        return self._take((bucket,), cost)[0]

    async def take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        """See `LimitStore.take`."""
        return self._take(buckets, cost)

    async def close(self) -> None:
        """See `LimitStore.close`."""
        self._tats.release()
        self._memory.close()
        os.close(self._file)

    def _take(self, buckets: Sequence[Bucket], cost: int) -> list[Decision]:
        places = [self._place(bucket.key) for bucket in buckets]
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            now = self._clock()
            decisions, moves, passes = [], [], True
            for (_, rate, spare), place in zip(buckets, places, strict=True):
                slot = self._slot(place)
                before = 0.0 if slot < 0 else self._tats[slot]
                decision, tat = decide(rate, before, now, cost, spare)
                decisions.append(decision)
                moves.append((place, before, tat))
                passes = passes and decision.allowed
            for place, before, tat in moves:
                if passes or tat < before:
                    self._keep(place, tat, now)
            return decisions
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)

    def _place_of(self, key: str) -> _Place:
        digest = blake2b(key.encode(), digest_size=_DIGEST, key=self._digest_key).digest()
        return digest, _KEY + int.from_bytes(digest[:4], "big") % self._rows * _ROW

    def _slot(self, place: _Place) -> int:
        """The index, among the TATs, of that of the key at `place`; -1 if there is none."""
        digest, row = place
        at = row
        while True:
            at = self._memory.find(digest, at, row + _WAYS * _DIGEST)
            way, odd = divmod(at - row, _DIGEST)
            if at < 0 or not odd:
                return -1 if at < 0 else (row + _WAYS * _DIGEST) // _TAT + way
            at += 1  # it lies across two digests that are not it

    def _keep(self, place: _Place, tat: float, now: float) -> None:
        slot = self._slot(place)
        if slot < 0:
            digest, row = place
            first = (row + _WAYS * _DIGEST) // _TAT
            tats = self._tats[first : first + _WAYS].tolist()
            way = tats.index(min(tats))
            self._memory[row + way * _DIGEST : row + (way + 1) * _DIGEST] = digest
            slot = first + way
        self._tats[slot] = tat
