"""What workers do with the buckets that they share, in processes of their own."""

from __future__ import annotations

import asyncio
import fcntl
import os
import time
from multiprocessing.connection import Connection
from pathlib import Path

from systemzero_gateway.limits import Bucket, Rate
from systemzero_gateway.limits.shared_memory import SharedMemoryLimits

TENANT = Bucket("{t}", Rate(600_000, 50))
KEYS = [Bucket(f"{{t}}:{name}", Rate(240_000, 40)) for name in "ab"]
"""Two principals of a tenant; what comes back is less than a process can use up."""


def many_calls(file: Path, calls: int, told: Connection) -> None:
    """Calls of both principals, as fast as they can be made once told to.

    Tells how many of each passed, and when the first call was and the last one.
    """
    limits, passed = SharedMemoryLimits(file, time.monotonic), [0, 0]
    told.send(None)
    told.recv()
    first = time.monotonic()

    async def call() -> None:
        for number in range(calls):
            answers = await limits.take((TENANT, KEYS[number % 2]), 1)
            passed[number % 2] += all(answer.allowed for answer in answers)

    asyncio.run(call())
    told.send((passed, first, time.monotonic()))


def die_deciding(file: Path) -> None:
    """End, as by a kill, in the middle of a decision."""

    def clock() -> float:
        locked_by_us = os.open(file, os.O_RDWR)
        try:
            fcntl.flock(locked_by_us, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.kill(os.getpid(), 9)
        raise AssertionError("the lock is free while it is decided")

    SharedMemoryLimits(file, clock).take_one(TENANT, 1)


def take_one(file: Path) -> None:
    """One call that must pass."""
    assert SharedMemoryLimits(file, time.monotonic).take_one(TENANT, 1).allowed
