"""Whose turn it is to write, among the processes that have one SQLite file open.

SQLite itself lets processes wait for its write lock by looking again and again, which costs more
CPU than the writes do, and lets them overtake each other. A lock of flock(2) on a file beside the
database is waited for asleep. The kernel frees it when its process ends, however that is.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from concurrent.futures import Executor
from pathlib import Path

from systemzero_core.errors import Unavailable

SUFFIX = "-turn"
"""The lock's file is called as the database, and this."""


class Turns:
    """The lock, as one process has it. For one event loop at a time, and one holder."""

    def __init__(self, database: Path, executor: Executor) -> None:
        """Makes the file where there is none, with mode 0600; `executor` waits in a thread.

        Raises:
            OSError: it can't be made.
        """
        name = database.with_name(database.name + SUFFIX)
        self._file: int | None = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._executor = executor
        self._waiting: asyncio.Future[None] | None = None
        self._wanted = False

    async def take(self, patience: float) -> None:
        """Wait until it is this process's turn, `patience` seconds at most.

        Raises:
            Unavailable: it was not in time.
        """
        if self._waiting is None:
            if self._taken():
                return
            loop = asyncio.get_running_loop()
            self._waiting = loop.run_in_executor(self._executor, self._wait)
            self._waiting.add_done_callback(self._arrived)
        self._wanted = True
        try:
            await asyncio.wait({self._waiting}, timeout=patience)
            if self._waiting is not None:
                raise Unavailable("the database is locked by another process")
        finally:
            self._wanted = False

    def give(self) -> None:
        """Let the next one write. From any thread; nothing where it was not taken."""
        self._lock(fcntl.LOCK_UN)

    def close(self) -> None:
        """Close the file, and with it give the turn. May be called twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _taken(self) -> bool:
        try:
            self._lock(fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _wait(self) -> None:
        self._lock(fcntl.LOCK_EX)

    def _lock(self, operation: int) -> None:
        if self._file is not None:
            fcntl.flock(self._file, operation)

    def _arrived(self, _waited: asyncio.Future[None]) -> None:
        self._waiting = None
        if not self._wanted:  # whoever waited gave up
            self.give()
