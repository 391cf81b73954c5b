"""A silent server: tells one that failed from one that holds a stream back.

A platform holds streams back to the rate of whoever has them, and says nothing meanwhile. So a
silent one is asked for its health, which costs nothing and is not held back. One that says that it
serves is waited for, for as long as a platform lets a stream last; any other has failed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import grpc

T = TypeVar("T")

LONGEST: Final = 3_600.0
"""Seconds without a word after which whatever it says of its health no longer counts."""
_CHECK: Final = "/grpc.health.v1.Health/Check"
_SERVING: Final = b"\x08\x01"


class SilentForTooLongError(TimeoutError):
    """The server says that it serves, and has not said a word else for `LONGEST`."""


class SilenceLimit:
    """With one stream: from the last word of the server on."""

    def __init__(self, channel: grpc.aio.Channel, seconds: Callable[[], float | None]) -> None:
        """`seconds` of silence are borne before the server is asked; None for any."""
        self._channel = channel
        self._seconds = seconds
        self._since = time.monotonic()

    def heard(self) -> None:
        """The server said something, or was just given something to say."""
        self._since = time.monotonic()

    async def lasts(self) -> bool:
        """Whether to wait on, after that silence.

        Raises:
            SilentForTooLongError: it is no use to try again.
        """
        if time.monotonic() - self._since >= LONGEST:
            raise SilentForTooLongError
        return await _serves(self._channel, self._seconds())

    async def wait_for(self, answer: Awaitable[T]) -> T:
        """What `answer` gives.

        Raises:
            TimeoutError: nothing came, and the server has failed.
            SilentForTooLongError: it is no use to try again.
        """
        self.heard()
        task = asyncio.ensure_future(answer)
        try:
            while True:
                done, _ = await asyncio.wait((task,), timeout=self._seconds())
                if done:
                    return task.result()
                if not await self.lasts():
                    raise TimeoutError
        finally:
            task.cancel()


async def _serves(channel: grpc.aio.Channel, seconds: float | None) -> bool:
    """Whether what is behind `channel` says, in so many seconds, that all of it serves."""
    check: Any = channel.unary_unary(_CHECK, None, None)
    try:
        answer: bytes = await check(b"", timeout=seconds)
    except grpc.RpcError:
        return False
    return answer == _SERVING
