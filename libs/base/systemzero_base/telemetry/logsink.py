"""Where log lines go: standard error, standard output, or a file that is rotated.

Invariants:
1. A line that can't be written (a full disk, a pipe whose reader is gone) is lost, and no call
   fails of it.
2. Lines are written whole, in the order of their thread, at the end of the file: several processes
   can share one.
3. A file that was moved away or removed (logrotate) is made anew, within `LINGER` of the next line.

While an event loop runs, the lines of `LINGER` seconds are written at once: each write lets go of
the interpreter's lock, which costs a busy service more than the line does. A process that is killed
loses them.
"""

from __future__ import annotations

import asyncio
import atexit
import fcntl
import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol

LINGER: Final = 0.02
"""Seconds that a line may wait for others to be written with it."""

_STREAMS: Final = {"stdout": 1, "stderr": 2}
_MODE: Final = 0o640


class Target(Protocol):
    """What takes lines."""

    def write(self, data: bytes) -> None:
        """Write whole lines.

        Raises:
            OSError: not all of it is written.
        """
        ...


class Stream:
    """Standard output or error."""

    def __init__(self, name: str) -> None:
        self._descriptor = _STREAMS[name]

    def write(self, data: bytes) -> None:
        """See `Target.write`."""
        _write_all(self._descriptor, data)


class LogFile:
    """A file, moved aside to `NAME.1` and so on where it would outgrow its bound."""

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        """`max_bytes` of 0 is no bound; `backups` is how many files are kept beside the current.

        Raises:
            OSError: the file can't be opened.
        """
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = self._opened()

    def write(self, data: bytes) -> None:
        """See `Target.write`."""
        if not self._is_current():
            self._reopen()
        size = os.fstat(self._descriptor).st_size
        if self._max_bytes and size and size + len(data) > self._max_bytes:
            self._rotate()
        _write_all(self._descriptor, data)

    def _rotate(self) -> None:
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)  # until it is closed
        if self._is_current():  # else another process was first
            for number in range(self._backups - 1, 0, -1):
                with suppress(FileNotFoundError):
                    self._aside(number).replace(self._aside(number + 1))
            if self._backups:
                self._path.replace(self._aside(1))
            else:
                self._path.unlink()
        self._reopen()

    def _aside(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}")

    def _is_current(self) -> bool:
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return False
        return os.path.samestat(there, os.fstat(self._descriptor))

    def _reopen(self) -> None:
        opened, self._descriptor = self._descriptor, self._opened()
        os.close(opened)

    def _opened(self) -> int:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        return os.open(self._path, flags, _MODE)


class Sink:
    """Takes lines from any thread and writes them, a moment later if an event loop runs."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lines: deque[bytes] = deque()  # any thread may add to it while another writes
        self._drains_in: asyncio.AbstractEventLoop | None = None
        atexit.register(self.drain)

    def write(self, line: bytes) -> None:
        """Take a line, without its end."""
        self._lines.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:  # a thread without one
            self.drain()
            return
        if self._drains_in is not loop:
            self._drains_in = loop
            loop.call_later(LINGER, self.drain)

    def drain(self) -> None:
        """Write what waits."""
        self._drains_in = None
        lines = []
        with suppress(IndexError):  # it is empty
            while True:
                lines.append(self._lines.popleft())
        if lines:
            with suppress(OSError):
                self._target.write(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        """Write what waits; nothing comes after."""
        atexit.unregister(self.drain)
        self.drain()


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
