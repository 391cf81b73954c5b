"""Working on a stream a few messages at a time, answering in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


async def ordered(
    requests: AsyncIterable[Q], answer: Callable[[int, Q], Awaitable[A]], window: int
) -> AsyncGenerator[A, None]:
    """The answers to `requests` in their order, at most `window` of them under way at a time.

    Memory is bounded by the window: the next request is read only when there is room, which the
    transport's flow control hands on to the sender. An exception of `answer` ends the stream.
    However the stream ends, nothing of it is under way any more when it has ended: whoever stops
    early closes the generator (`contextlib.aclosing`).
    """
    slots = asyncio.Semaphore(window)
    under_way: asyncio.Queue[asyncio.Task[A] | None] = asyncio.Queue()
    started: set[asyncio.Task[A]] = set()

    async def read() -> None:
        index = 0
        try:
            await slots.acquire()
            async for request in requests:
                task = asyncio.ensure_future(_run(answer(index, request)))
                started.add(task)
                under_way.put_nowait(task)
                index += 1
                await slots.acquire()
        finally:
            under_way.put_nowait(None)

    reader = asyncio.create_task(read())
    try:
        while (task := await under_way.get()) is not None:
            yield await task
            started.discard(task)
            slots.release()
        await reader
    finally:
        left = [reader, *started]
        for task_left in left:
            task_left.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _run(awaitable: Awaitable[A]) -> A:
    return await awaitable


class KeyedLocks:
    """Lets those of one name take turns, in the order in which they came; forgets idle names."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._users: dict[str, int] = {}

    def busy(self, name: str) -> bool:
        """Whether it is somebody's turn of that name."""
        return name in self._users

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Wait for the turn of `name`; who has no name (empty) waits for nobody."""
        if not name:
            yield
            return
        lock = self._locks.setdefault(name, asyncio.Lock())
        self._users[name] = self._users.get(name, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name], self._locks[name]
