"""Streams that outlive their connection: servers end old connections, networks break them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import NamedTuple, TypeVar

import grpc

from systemzero_client.errors import SystemZeroError

T = TypeVar("T")


class Backoff(NamedTuple):
    """How long to wait before the n-th attempt in a row that brought nothing, in seconds."""

    initial: float = 0.2
    factor: float = 2.0
    most: float = 10.0

    def delay(self, failures: int) -> float:
        """The pause after `failures` (at least 1), with up to a fifth of jitter.

        The jitter keeps a thousand clients from coming back in the same moment.
        """
        whole = min(self.initial * self.factor ** min(failures - 1, 30), self.most)
        return whole * random.uniform(0.8, 1.0)  # noqa: S311 - spreads load, hides nothing


_LONGEST_ASKED = 60.0
"""Seconds that a server may ask a client to wait, whatever it says."""


def asked_pause(error: SystemZeroError) -> float:
    """The seconds that the server asks to wait for, within reason."""
    return min(error.retry_after or 0.0, _LONGEST_ASKED)


OnRetry = Callable[[SystemZeroError, float], None]
"""Told of each break: what broke, and in how many seconds the stream is taken up again."""


async def resumed(
    open_at: Callable[[str], AsyncGenerator[T]],
    cursor_of: Callable[[T], str],
    cursor: str,
    *,
    backoff: Backoff,
    on_retry: OnRetry | None,
) -> AsyncGenerator[T]:
    """The responses of a watch, taken up again at the last cursor seen whenever it breaks.

    A watch that never came up raises, so that a wrong address is an error, not a silence.

    Raises:
        SystemZeroError: the first attempt failed, or a later one in a way that no retry mends.
    """
    failures, was_up = 0, False
    while True:
        try:
            async with aclosing(open_at(cursor)) as responses:
                async for response in responses:
                    failures, was_up = 0, True
                    cursor = cursor_of(response) or cursor
                    yield response
            broken = SystemZeroError(grpc.StatusCode.UNAVAILABLE, "", "the server ended the stream")
        except SystemZeroError as error:
            if not was_up or not error.is_transient:
                raise
            broken = error
        failures += 1
        pause = max(backoff.delay(failures), asked_pause(broken))
        if on_retry is not None:
            on_retry(broken, pause)
        await asyncio.sleep(pause)
