"""Working on a stream a few messages at a time, answering in order."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


async def ordered(
    requests: AsyncIterable[Q], answer: Callable[[int, Q], Awaitable[A]], window: int
) -> AsyncIterator[A]:
    """The answers to `requests` in their order, at most `window` of them under way at a time.

    Memory is bounded by the window: the next request is read only when there is room, which the
    transport's flow control hands on to the sender. An exception of `answer` ends the stream.
    """
    slots = asyncio.Semaphore(window)
    under_way: asyncio.Queue[asyncio.Task[A] | None] = asyncio.Queue()

    async def read() -> None:
        index = 0
        try:
            async for request in requests:
                await slots.acquire()
                under_way.put_nowait(asyncio.ensure_future(_run(answer(index, request))))
                index += 1
        finally:
            under_way.put_nowait(None)

    reader = asyncio.create_task(read())
    waiting: deque[asyncio.Task[A]] = deque()
    try:
        while (task := await under_way.get()) is not None:
            waiting.append(task)
            yield await task
            waiting.popleft()
            slots.release()
        await reader
    finally:
        reader.cancel()
        while not under_way.empty():
            if (left := under_way.get_nowait()) is not None:
                waiting.append(left)
        for left in waiting:
            left.cancel()


async def _run(awaitable: Awaitable[A]) -> A:
    return await awaitable
