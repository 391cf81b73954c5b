"""Whether the rows of tenants, keys and secrets are as the gateway wrote them: by their MACs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Column, Connection, RowMapping, Table, select

from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.credentials.keys import load_or_create_pepper
from systemzero_gateway.places import ENDED, PEPPER
from systemzero_gateway.store import Endings, RowMacs
from systemzero_gateway.store.tables import API_KEYS, KEY_SECRETS, TENANTS
from systemzero_storage.database import Database

_TABLES: Final = (
    (TENANTS, TENANTS.c.tenant, "tenants"),
    (API_KEYS, API_KEYS.c.key_id, "keys"),
    (KEY_SECRETS, KEY_SECRETS.c.digest, "secrets of keys"),
)
_PAGE: Final = 1_000


async def check_rows(database: Database, folder: Path) -> AsyncIterator[str]:
    """Yield a line for each table that is whole.

    Raises:
        DataCorrupted: a row is not as it was written.
        FailedPrecondition: there are rows, and no pepper to check them by.
    """
    macs: RowMacs | None = None
    for table, order, noun in _TABLES:
        count, rows = 0, await _page(database, table, order, None)
        while rows:
            macs = macs or _macs(folder)
            for row in rows:
                macs.require(table, row)
            count += len(rows)
            rows = await _page(database, table, order, rows[-1][order])
        if count:
            yield f"{count} {noun} are as the gateway wrote them"


def _macs(folder: Path) -> RowMacs:
    file = folder / PEPPER
    if not file.exists():
        raise FailedPrecondition(f"{file} is missing: restore it, or name its folder")
    pepper = load_or_create_pepper(file)
    return RowMacs(pepper, Endings(pepper, folder / ENDED, writes=False))


async def _page(
    database: Database, table: Table, order: Column[Any], after: object
) -> list[RowMapping]:
    query = select(table).order_by(order).limit(_PAGE)
    if after is not None:
        query = query.where(order > after)

    def read(connection: Connection) -> list[RowMapping]:
        return list(connection.execute(query).mappings())

    return await database.read(read)
