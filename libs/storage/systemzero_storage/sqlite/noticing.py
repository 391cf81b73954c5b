"""Notices what other processes wrote into a SQLite file: it has no way to tell, so it is asked.

One question a round, whoever follows: whether the file is another than before. Only then the tables
that are followed are looked at, each in one statement.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Final

from sqlalchemy import Connection

from systemzero_storage.following.notifier import Notifier
from systemzero_storage.sqlite.readers import Readers

POLL_SECONDS: Final = 0.25
_HEADS: Final = (
    "SELECT wanted.value, (SELECT max(position) FROM {table} WHERE tenant = wanted.value) "
    "FROM json_each(?) AS wanted"
)
"""How far a table has grown, for many tenants: a seek for each, not a scan."""


class SqliteNotifier(Notifier):
    """See `Notifier`; on the connections of `readers`."""

    pause = POLL_SECONDS

    def __init__(self, readers: Readers) -> None:
        super().__init__()
        self._readers = readers
        self._version: int | None = None

    async def round(self) -> None:
        """See `Notifier.round`; without followers nothing is asked.

        Raises:
            Unavailable, DataCorrupted: the file can't be read.
        """
        if not self._followed:
            return
        # on the event loop, whose connection is one and the same: versions of two say nothing
        version = self._readers.run_here(_version)
        if version == self._version:
            return
        for table, tenants in self._tenants().items():
            job = partial(_heads, table.name, json.dumps(tenants))
            self._wake_behind(table, await self._readers.run(job))
        self._version = version  # that of before: what is written meanwhile makes another


def _version(connection: Connection) -> int:
    """Changes with each commit of any other connection, of this process, too."""
    return int(connection.exec_driver_sql("PRAGMA data_version").scalar_one())


def _heads(table: str, tenants: str, connection: Connection) -> dict[str, int | None]:
    found = connection.exec_driver_sql(_HEADS.format(table=table), (tenants,))
    return {row[0]: row[1] for row in found}
