"""The newest checkpoint of each log, outside the database: in memory, and in a folder of files.

A database that is put back to an earlier state is whole in itself: nothing in it says that there
was more. Who published a checkpoint remembers it, and its folder does after a restart. A file says
what it says by the signature of its note, so that no other proof of it is needed.

The files are written without waiting for the disk: they are a lower bound, and one that is lost to
a power cut is written anew with the next checkpoint. A busy disk has even that wait, so it is done
off the event loop, by one at a time, each with the newest checkpoint there is, so that none takes
the place of a later one. Where the folder can't be written (keys that are mounted), memory is all
there is.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote

from systemzero_base.secrets import private_folder

SUFFIX: Final = ".heads"
"""The folder of the log whose key is `log.key` is `log.heads`. Backups leave it out."""


class Heads:
    """The newest checkpoints, as signed notes with their sizes."""

    def __init__(self, folder: Path | None, *, writes: bool = True) -> None:
        """`folder` is made with the first checkpoint; None to have memory alone.

        Who looks on beside the service reads the files, and `writes` none.
        """
        self.folder = folder
        self._writes = writes
        self._known: dict[str, tuple[int, str]] = {}
        self._turn = asyncio.Lock()
        self._writing = threading.Lock()  # of whoever writes, also where its caller gave up

    def load(self) -> Iterator[tuple[str, str]]:
        """Each tenant with the note in its file, unverified; what can't be read is passed over."""
        if self.folder is None or not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            with suppress(OSError, UnicodeDecodeError):
                if not path.name.startswith("."):
                    yield unquote(path.name), path.read_text()

    def path(self, tenant: str) -> Path | None:
        """The file of a tenant."""
        return None if self.folder is None else self.folder / quote(tenant, safe="")

    def note(self, tenant: str) -> str | None:
        """The newest checkpoint that is known of the tenant's log."""
        known = self._known.get(tenant)
        return None if known is None else known[1]

    def size(self, tenant: str) -> int:
        """How many entries that checkpoint covers; 0 for none."""
        return self._known.get(tenant, (0, ""))[0]

    def learn(self, tenant: str, size: int, note: str) -> bool:
        """Remember a checkpoint that was verified, or signed here; whether it is the newest."""
        known = self._known.get(tenant)
        if known is not None and (size < known[0] or note == known[1]):
            return False
        self._known[tenant] = (size, note)
        return True

    async def keep(self, tenant: str, size: int, note: str) -> None:
        """Remember a checkpoint, once its commit returned, and write it into the tenant's file."""
        path = self.path(tenant)
        if self.learn(tenant, size, note) and path is not None and self._writes:
            async with self._turn:
                await asyncio.to_thread(self._write_newest, tenant, path)

    def _write_newest(self, tenant: str, path: Path) -> None:
        with self._writing, suppress(OSError):
            _write(path, self._known[tenant][1])


def _write(path: Path, note: str) -> None:
    private_folder(path.parent)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(note)
    beside.replace(path)
