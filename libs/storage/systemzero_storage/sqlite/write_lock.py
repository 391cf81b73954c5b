"""The write lock of a SQLite file, shared by the processes that have it open.

SQLite itself lets processes wait for its write lock by looking again and again, which costs more
CPU than the writes do, and lets them overtake each other. A lock of flock(2) on a file beside the
database is waited for asleep. The kernel frees it when its process ends, however that is.

A process that is stopped keeps its turn, and nobody can take it. Whoever waits gives up in time;
the thread waits on alone, a daemon, which keeps no process from ending.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from contextlib import suppress
from pathlib import Path

from systemzero_storage.jobs.patience import Deadline, locked

SUFFIX = "-turn"
"""The lock's file is called as the database, and this."""


class WriteLock:
    """The lock, as one process has it. For one event loop at a time, and one holder."""

    def __init__(self, database: Path) -> None:
        """Makes the file where there is none, with mode 0600.

        Raises:
            OSError: it can't be made.
        """
        name = database.with_name(database.name + SUFFIX)
        self._file: int | None = os.open(name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._waiting: asyncio.Future[None] | None = None
        self._wanted = self._held = False

    async def take(self, patience: Deadline) -> None:
        """Wait until it is this process's turn.

        Raises:
            Unavailable: it was not in time.
        """
        if self._waiting is None:
            self._held = self._taken()
            if self._held:
                return
            self._waiting = self._wait_in_thread()
        self._wanted = True
        try:
            await patience.wait(self._waiting)
        finally:
            self._wanted = False
        if not self._held:
            raise locked()

    def give(self) -> None:
        """Let the next one write. From any thread; nothing where it was not taken."""
        if self._held:
            self._held = False
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

    def _wait_in_thread(self) -> asyncio.Future[None]:
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        waiting.add_done_callback(self._arrived)

        def wait() -> None:
            with suppress(OSError):  # SQLite's own lock holds without a turn, too
                self._lock(fcntl.LOCK_EX)
            with suppress(RuntimeError):  # the loop is closed, and with it the file
                loop.call_soon_threadsafe(waiting.set_result, None)

        threading.Thread(target=wait, name="database-turn", daemon=True).start()
        return waiting

    def _lock(self, operation: int) -> None:
        if self._file is not None:
            fcntl.flock(self._file, operation)

    def _arrived(self, _waited: asyncio.Future[None]) -> None:
        self._waiting = None
        if self._wanted:
            self._held = True
        else:  # whoever waited gave up
            self._lock(fcntl.LOCK_UN)
