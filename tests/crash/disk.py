"""A disk that fails: writes, half-done writes and syncs of database files end with EIO.

By a library that is compiled here and preloaded into the services.
"""

from __future__ import annotations

import mmap
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.crash.faults import kill
from tests.crash.ledger import Ledger
from tests.crash.rounds import Fault
from tests.support.platform import Platform

COMPILER: Final = shutil.which("cc")
_WRITE, _TORN, _SYNC = 1, 2, 3
_PATIENCE: Final = 1000
"""Answers, or seconds, to wait for."""
_CONTROL: Final = struct.Struct("3i")


@contextmanager
def failing_disk(folder: Path) -> Iterator[list[Fault]]:
    """The faults there are, for services that are started within."""
    library, control = folder / "disk.so", folder / "disk.control"
    command = [COMPILER or "cc", "-shared", "-fPIC", "-O1", "-o", str(library)]
    subprocess.run([*command, str(Path(__file__).with_name("disk.c")), "-ldl"], check=True)
    control.write_bytes(bytes(_CONTROL.size))
    os.environ |= {"LD_PRELOAD": str(library), "SYSTEMZERO_TEST_FAULTS": str(control)}
    try:
        with control.open("r+b") as file, mmap.mmap(file.fileno(), _CONTROL.size) as shared:
            yield [_Failing(shared, kind) for kind in (_WRITE, _TORN, _SYNC)]
    finally:
        del os.environ["LD_PRELOAD"], os.environ["SYSTEMZERO_TEST_FAULTS"]


class _Failing:
    """Calls of a kind fail, a few in a row; the service is killed then, or goes on for a while."""

    def __init__(self, shared: mmap.mmap, kind: int) -> None:
        self._shared = shared
        self._kind = kind

    def __call__(self, platform: Platform, ledger: Ledger, chance: random.Random) -> None:
        """Crash so."""
        after, times = chance.randrange(20), chance.choice((1, 2, 5))
        self._shared[:] = _CONTROL.pack(0, after, times)
        self._shared[:4] = _CONTROL.pack(self._kind, 0, 0)[:4]  # last: it is what arms the fault
        for _ in range(
            _PATIENCE
        ):  # not every failed write fails a call: a checkpoint's is repeated
            if not _CONTROL.unpack(self._shared[:])[0]:
                break
            ledger.wait_for_answers(1, 1)
        else:
            raise AssertionError("nothing failed")
        if chance.random() < 0.5:
            platform.kill()
            self._shared[:] = bytes(_CONTROL.size)
        else:
            self._shared[:] = bytes(_CONTROL.size)
            kill(platform, ledger, chance)
