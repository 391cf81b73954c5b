"""Notifies other processes of rows by PostgreSQL's NOTIFY, and hears them by LISTEN.

One connection of a process does both, beside the pool. What is heard is a hint; anybody who may
connect to the database may send some.

1. A notification is sent after the commit, not in its transaction: PostgreSQL holds up all commits
   that notify by one lock, until the disk has them. So one is lost where a process dies in between.
2. What was lost, there or while the connection was, is found by a look at the tables every
   `POLL_SECONDS`, which also shows whether the connection still answers; and after every connect.
3. While there is no connection, followers are woken by each attempt to have one. They read over the
   pool, and end their streams where that fails, too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import asyncpg

from systemzero_base.work.rounds import heard
from systemzero_storage.following.notifier import Notifier
from systemzero_storage.tenancy.tenant import EVERY_TENANT

POLL_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 5.0
_MOST_PENDING: Final = 10_000
"""Tenants with rows that nobody was notified of yet; what comes on top is found by looking."""

_HOLD: Final = f"SELECT set_config('systemzero.tenant', '{EVERY_TENANT}', false)"
_HEADS: Final = (
    "SELECT wanted.tenant, (SELECT max(position) FROM {table} WHERE tenant = wanted.tenant) "
    "FROM unnest($1::text[]) AS wanted (tenant)"
)
"""How far a table has grown, for many tenants: a seek for each, not a scan."""
_SEND: Final = "SELECT count(pg_notify($1, said)) FROM unnest($2::text[]) AS said"


class PostgresNotifier(Notifier):
    """See `Notifier` and the module. For one event loop."""

    pause = 0.02  # what many commits have to say goes as one statement

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]], schema: str) -> None:
        """`connect` makes a connection; it is not called before the first round."""
        super().__init__()
        self._connect_anew = connect
        self._channel = f"{schema}_rows"
        self._driver: asyncpg.Connection | None = None
        self._pending: dict[str, None] = {}
        self._news = asyncio.Event()
        self._next_look = 0.0

    async def round(self) -> None:
        """See `Notifier.round`: returns after some news, or when it is time to look.

        Raises:
            Exception: there is no connection, or it does not answer.
        """
        try:
            if self._driver is None or self._driver.is_closed():
                await self._connect()
            await heard(self._news, max(0.0, self._next_look - _now()))
            self._news.clear()
            await self._send()
            if _now() >= self._next_look:
                await self._look()
        except Exception:
            await self.close()
            self._wake_all()
            raise

    async def close(self) -> None:
        """See `Notifier.close`; does not wait for the server."""
        driver, self._driver = self._driver, None
        if driver is not None:
            driver.terminate()

    async def _connect(self) -> None:
        await self.close()
        self._driver = driver = await self._connect_anew()
        driver.add_termination_listener(lambda _: self._news.set())
        async with asyncio.timeout(ANSWER_SECONDS):
            await driver.execute(_HOLD)
            await driver.add_listener(self._channel, self._heard)
        self._wake_all()  # what was sent before is lost
        self._next_look = _now() + POLL_SECONDS

    async def _send(self) -> None:
        if not self._pending or self._driver is None:
            return
        said, self._pending = self._pending, {}
        try:
            await self._driver.execute(_SEND, self._channel, list(said), timeout=ANSWER_SECONDS)
        except BaseException:
            self._pending |= said
            raise

    async def _look(self) -> None:
        self._next_look = _now() + POLL_SECONDS
        for table, tenants in self._tenants().items():
            if self._driver is not None:
                statement = _HEADS.format(table=table.name)
                found = await self._driver.fetch(statement, tenants, timeout=ANSWER_SECONDS)
                self._wake_behind(table, {row[0]: row[1] for row in found})

    def _tell(self, what: str, table: str, tenant: str) -> None:
        if len(self._pending) < _MOST_PENDING:
            self._pending[f"{what}\n{table}\n{tenant}"] = None
            self._news.set()

    def _heard(self, _connection: Any, sender: int, _channel: str, payload: Any) -> None:
        if self._driver is not None and sender == self._driver.get_server_pid():
            return
        what, _, place = str(payload).partition("\n")
        self._hear(what, *place.partition("\n")[::2])


def _now() -> float:
    return asyncio.get_running_loop().time()
