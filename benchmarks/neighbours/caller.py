"""Calls as an attacker makes them: raw bytes, connections of their own, and a count of it all."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc

_OPTIONS = [
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.use_local_subchannel_pool", 1),
]


_OVER = 20.0
"""Seconds that a call may still take when the time is over: its answer counts, too."""


class Caller:
    """Makes calls until the time is over.

    Attributes:
        outcomes: how calls ended, by status.
        sent: bytes of requests.
        largest: bytes of the largest answer.
    """

    def __init__(self, target: str, key: str, seconds: float) -> None:
        self._target = target
        self._metadata = (("authorization", f"Bearer {key}"),) if key else ()
        self._end = time.monotonic() + seconds
        self.outcomes: Counter[str] = Counter()
        self.sent = 0
        self.largest = 0

    @property
    def left(self) -> float:
        """Seconds until the time is over."""
        return self._end - time.monotonic()

    @property
    def _timeout(self) -> float:
        return max(self.left, 0.0) + _OVER

    def connect(self) -> grpc.aio.Channel:
        """A connection of its own; use it as a context."""
        return grpc.aio.insecure_channel(self._target, options=_OPTIONS)

    async def call(
        self, channel: grpc.aio.Channel, path: str, body: bytes, key: str | None = None
    ) -> None:
        """One call with one answer; `key` in the place of the caller's own."""
        method: Any = channel.unary_unary(path, None, None)
        own = self._metadata if key is None else (("authorization", f"Bearer {key}"),)
        self.sent += len(body)
        with self._counted():
            answer = await method(body, metadata=own, timeout=self._timeout)
            self.largest = max(self.largest, len(answer))

    async def again(self, path: str, bodies: Callable[[], bytes], pause: float = 0.0) -> None:
        """The same call until the time is over, one after the other."""
        async with self.connect() as channel:
            while self.left > 0:
                await self.call(channel, path, bodies())
                await asyncio.sleep(pause)

    async def flood(self, path: str, bodies: Callable[[], bytes]) -> None:
        """One stream of requests, as many as the server takes."""

        async def requests() -> AsyncIterator[bytes]:
            while self.left > 0:
                body = bodies()
                self.sent += len(body)
                yield body

        async with self.connect() as channel:
            method: Any = channel.stream_stream(path, None, None)
            with self._counted():
                call = method(requests(), metadata=self._metadata, timeout=self._timeout)
                async for answer in call:
                    self.largest = max(self.largest, len(answer))
                    self.outcomes["answered in a stream"] += 1

    async def hold(self, channel: grpc.aio.Channel, path: str, body: bytes) -> None:
        """A stream of responses, kept open until the time is over."""
        method: Any = channel.stream_stream(path, None, None)

        async def requests() -> AsyncIterator[bytes]:
            yield body
            await asyncio.sleep(max(self.left, 0.1))

        with self._counted():
            async for _ in method(requests(), metadata=self._metadata, timeout=max(self.left, 0.1)):
                self.outcomes["answered in a stream"] += 1

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            self.outcomes[error.code().name] += 1
        else:
            self.outcomes["OK"] += 1
