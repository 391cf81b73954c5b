"""One reader of a tenant's rows in a table, which feeds every stream that follows them.

Invariants:
1. A stream gets each row after its position once, in the order of positions: from the window where
   that reaches back far enough, else from the store, from its own position.
2. Nobody waits for a slow stream, and nothing is kept for it: it holds one row of the window, or
   the rows of one read of its own.
3. However many streams there are, a row is read once while they keep up, and nothing while there is
   none. A follower without streams is gone, and its read with it: a connection that is still in
   use when the database is closed would be left open.
4. A read that fails ends the streams that wait for it, with its error: each client has the cursor
   to go on from.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import Context
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Table

from systemzero_base.pages import BATCH_ROWS
from systemzero_storage.following.notifier import Notifier
from systemzero_storage.following.window import Positioned, Window

T = TypeVar("T", bound=Positioned)
T_co = TypeVar("T_co", bound=Positioned, covariant=True)


class ReadAfter(Protocol[T_co]):
    """Reads a tenant's next rows."""

    def __call__(self, tenant: str, position: int, count: int) -> Awaitable[Sequence[T_co]]:
        """Up to `count` rows after `position`, in the order of their positions."""
        ...


class _Growth(asyncio.Event):
    """That a follower has read on, or could not."""

    error: Exception | None = None


class Follower(Generic[T]):
    """See the module. Made by `Followers`.

    Attributes:
        head: the position up to which it has read; None while it does not know.
        readers: how many streams it feeds.
    """

    def __init__(
        self,
        last: Callable[[], Awaitable[int]],
        after: Callable[[int], Awaitable[Sequence[T]]],
        weigh: Callable[[T], int],
        reading: Callable[[asyncio.Task[None]], None],
    ) -> None:
        """`last` reads the last position; `after` up to `BATCH_ROWS` rows after a position.

        `reading` is told of each task that reads.
        """
        self.head: int | None = None
        self.readers = 0
        self._last = last
        self._after = after
        self._weigh = weigh
        self._reading = reading
        self._window: Window[T] = Window(0, weigh)
        self._changes = 0
        self._growth = _Growth()
        self._wanted = False
        self._task: asyncio.Task[None] | None = None

    async def last(self) -> int:
        """The last position there is now."""
        return await self._last()

    async def rows(self, position: int) -> AsyncGenerator[T, None]:
        """The rows after `position`, those to come included; without an end.

        Raises:
            DomainError: the store can't be read.
        """
        while True:
            if self.head is None:
                self.wake()
                await self._grown()
                continue
            floor = self._window.floor()
            if position < floor:
                found = await self._after(position)
                for row in found:
                    position = row.position
                    yield row
                if len(found) < BATCH_ROWS:  # there is none up to the floor
                    position = max(position, floor)
            elif (next_row := self._window.after(position)) is not None:
                position = next_row.position
                yield next_row
            else:
                await self._grown()

    def wake(self) -> None:
        """See `Followed.wake`."""
        self._wanted = True
        if self._task is None:
            # in no call's context: the reads are everybody's
            self._task = asyncio.create_task(self._read_on(), context=Context())
            self._reading(self._task)

    def end(self) -> None:
        """Read no further: the last stream has gone."""
        if self._task is not None:
            self._task.cancel()

    def forget(self) -> None:
        """See `Followed.forget`."""
        self._changes += 1
        if self.head is not None:
            self._window = Window(self.head, self._weigh)

    async def _grown(self) -> None:
        growth = self._growth
        await growth.wait()
        if growth.error is not None:
            raise growth.error.with_traceback(None)  # many raise it: each has its own

    def _tell(self, error: Exception | None = None) -> None:
        growth, self._growth = self._growth, _Growth()
        growth.error = error
        growth.set()

    async def _read_on(self) -> None:
        try:
            while self._wanted and self.readers:
                self._wanted = False
                await self._read_all()
        except Exception as error:  # noqa: BLE001 - told to every stream that waits
            self.head = None
            self._tell(error)
        finally:
            self._task = None

    async def _read_all(self) -> None:
        """Read up to the last row there is."""
        if self.head is None:
            head = await self._last()
            self.head, self._window = head, Window(head, self._weigh)
            self._tell()
        while self.readers:
            changes, found = self._changes, await self._after(self.head)
            if found:
                self._take(found, changed=changes != self._changes)
            if len(found) < BATCH_ROWS:
                return

    def _take(self, found: Sequence[T], *, changed: bool) -> None:
        self.head = found[-1].position
        if changed:  # while they were read: whoever wants them reads again
            self._window = Window(self.head, self._weigh)
        else:
            self._window.push(found)
        self._tell()


class Followers(Generic[T]):
    """The followers of one table, by tenant; there is one while somebody follows."""

    def __init__(
        self,
        notifier: Notifier,
        table: Table,
        last: Callable[[str], Awaitable[int]],
        after: ReadAfter[T],
        weigh: Callable[[T], int],
    ) -> None:
        """`table` has columns `tenant` and `position`, the latter growing with each commit.

        Args:
            notifier: that of the database.
            table: what is followed.
            last: reads the last position of a tenant, 0 if there is none.
            after: reads the rows after a position.
            weigh: a row's bytes.
        """
        self._notifier = notifier
        self._table = table
        self._last = last
        self._after = after
        self._weigh = weigh
        self._followers: dict[str, Follower[T]] = {}

    def __len__(self) -> int:
        return len(self._followers)

    @contextmanager
    def of(self, tenant: str) -> Iterator[Follower[T]]:
        """The follower of `tenant`'s rows, which is there for as long as this lasts at least."""
        follower = self._followers.get(tenant) or self._made(tenant)
        follower.readers += 1
        try:
            yield follower
        finally:
            follower.readers -= 1
            if not follower.readers:
                del self._followers[tenant]
                self._notifier.leave(self._table, tenant)
                follower.end()

    def _made(self, tenant: str) -> Follower[T]:
        follower = Follower(
            lambda: self._last(tenant),
            lambda position: self._after(tenant, position, BATCH_ROWS),
            self._weigh,
            self._notifier.reading,
        )
        self._followers[tenant] = follower
        self._notifier.follow(self._table, tenant, follower)
        return follower
