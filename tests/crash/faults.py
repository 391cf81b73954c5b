"""Ways to crash, and to have writes fail before.

A *full disk* is a bound on the size of files (RLIMIT_FSIZE), set on the running service and taken
away again: the write that meets it is cut in the middle, and every later one fails.
"""

from __future__ import annotations

import random
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from tests.crash.ledger import Ledger
from tests.support.platform import Platform
from tests.support.postgres import Process

_SOON = 1_000_000
"""Bytes of a write-ahead log that a few seconds of work add."""
_UNBOUNDED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


def kill(platform: Platform, ledger: Ledger, chance: random.Random) -> None:
    """Kill -9, at a random point of the work."""
    assert ledger.wait_for_answers(chance.randint(1, 60))
    platform.kill()


def full_disk(platform: Platform, ledger: Ledger, chance: random.Random) -> None:
    """Writes are torn and fail, and the service is killed while they do."""
    with _bounded(platform, chance):
        assert ledger.wait_for_failure(), "nothing failed"
        platform.kill()


def full_disk_mended(platform: Platform, ledger: Ledger, chance: random.Random) -> None:
    """Writes are torn and fail; then there is room again, and the service goes on by itself."""
    with _bounded(platform, chance):
        assert ledger.wait_for_failure(), "nothing failed"
    kill(platform, ledger, chance)


class PostgresKilled:
    """Kill -9 of PostgreSQL under a service that goes on, and is killed later."""

    def __init__(self, server: Process) -> None:
        self._server = server

    def __call__(self, platform: Platform, ledger: Ledger, chance: random.Random) -> None:
        """Crash so."""
        assert ledger.wait_for_answers(chance.randint(1, 60))
        self._server.stop(signal.SIGKILL)
        self._server.start()
        kill(platform, ledger, chance)


@contextmanager
def _bounded(platform: Platform, chance: random.Random) -> Iterator[None]:
    """Files of the service cannot be written beyond a point that the next commits come to."""
    written = max(path.stat().st_size for path in platform.data.rglob("*.db-wal"))
    # a log that is long is written again from its start at some time
    bound = (written if written < _SOON else 0) + chance.randint(1, 40_000)
    process = platform.process.pid
    resource.prlimit(process, resource.RLIMIT_FSIZE, (bound, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        if platform.process.poll() is None:
            resource.prlimit(process, resource.RLIMIT_FSIZE, _UNBOUNDED)
