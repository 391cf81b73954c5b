"""Says which tables are to be read on, for which tenants: this process's writes, and others'.

A notification is a hint, not a message: who gets one reads the store. So it may come twice, or
without a row; one that is lost is made up for by a look at how far the tables have grown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Protocol

from sqlalchemy import Table

from systemzero_base.work.background import Background, Loops


class Followed(Protocol):
    """Who reads one tenant's rows of one table, in the order of their positions.

    Attributes:
        head: the position up to which it has read; None while it does not know.
    """

    head: int | None

    def wake(self) -> None:
        """There may be rows after the head."""
        ...

    def forget(self) -> None:
        """Rows that were read before may be others now."""
        ...


class Notifier:
    """The followers of this process over one database; each database has its own way to hear.

    Attributes:
        pause: seconds between two rounds.
    """

    pause = 0.0

    def __init__(self) -> None:
        self._followed: dict[Table, dict[str, Followed]] = {}
        self._reads: set[asyncio.Task[None]] = set()

    def loop(self, loops: Loops) -> Background:
        """The loop that hears, not yet started."""
        return loops.new("notifier", self.round, pause=self.pause, vital=False)

    def follow(self, table: Table, tenant: str, follower: Followed) -> None:
        """Notify `follower` of `tenant`'s rows in `table`, until it leaves."""
        self._followed.setdefault(table, {})[tenant] = follower

    def leave(self, table: Table, tenant: str) -> None:
        """Notify whoever follows no longer."""
        followers = self._followed[table]
        del followers[tenant]
        if not followers:
            del self._followed[table]

    def notify(self, table: Table, tenant: str) -> None:
        """This process committed a row."""
        for follower in self._of(table.name, tenant):
            follower.wake()
        self._tell("row", table.name, tenant)

    def forget(self, table: Table, tenant: str) -> None:
        """This process changed rows that may have been read: what they said is not to be told."""
        for follower in self._of(table.name, tenant):
            follower.forget()
        self._tell("change", table.name, tenant)

    def reading(self, task: asyncio.Task[None]) -> None:
        """`task` reads for a follower: it is waited for before the database is closed."""
        self._reads.add(task)
        task.add_done_callback(self._reads.discard)

    async def idle(self) -> None:
        """Wait until nobody reads; those whose streams have gone are about to end."""
        if self._reads:
            await asyncio.wait(self._reads)

    async def round(self) -> None:
        """Hear what other processes wrote; bounded in time. To be done again and again.

        Raises:
            Exception: the database can't be asked; the next round tries again.
        """

    async def close(self) -> None:
        """Release what it holds. May be called twice."""

    def _tell(self, what: str, table: str, tenant: str) -> None:
        """Let other processes know."""

    def _hear(self, what: str, table: str, tenant: str) -> None:
        """Another process let know."""
        for follower in self._of(table, tenant):
            if what == "change":
                follower.forget()
            else:
                follower.wake()

    def _of(self, table: str, tenant: str) -> Iterable[Followed]:
        for each, followers in self._followed.items():
            if each.name == table and tenant in followers:
                return (followers[tenant],)
        return ()

    def _wake_all(self) -> None:
        for followers in self._followed.values():
            for follower in list(followers.values()):
                follower.wake()

    def _tenants(self) -> dict[Table, list[str]]:
        """Who is followed, of each table."""
        return {table: list(followers) for table, followers in self._followed.items()}

    def _wake_behind(self, table: Table, heads: Mapping[str, int | None]) -> None:
        """Wake those whose table has grown beyond what they read; `heads` by tenant."""
        followers = self._followed.get(table, {})
        for tenant, head in heads.items():
            follower = followers.get(tenant)
            if follower is not None and (follower.head or 0) < (head or 0):
                follower.wake()
