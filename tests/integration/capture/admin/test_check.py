"""The check of the capture service: what is stored of captures, altered a column at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, LargeBinary, Text

from systemzero_capture.admin.check import check_service
from systemzero_capture.store import METADATA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_capture.store.tables import KINDS, TREES
from systemzero_core.errors import DataCorrupted
from systemzero_storage.database import Database, open_sqlite
from tests.integration.capture.store.test_store import add
from tests.support.databases import OpenDatabase
from tests.support.sqlite import opened
from tests.support.stores import plain, sighting

NO_EVIDENCE = {
    "trees.complete": "whether a digest alone may stand for the tree: of intake, not of evidence",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "capture.db"


@pytest.fixture
async def database(path: Path) -> AsyncIterator[Database]:
    opened = open_sqlite(path, METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


async def checked(database: Database) -> list[str]:
    return [line async for line in check_service(database, Path(), "", [])]


async def fill(database: Database) -> None:
    store = SqlCaptureStore(database)
    for number, name in enumerate(("Buy", "Sell", "Buy", "Hold")):
        said = sighting(app="shop", screen_hint="order")
        await add(store, number, name, said=said, verdict=b"verdict")
    await add(store, 1, "Other", tenant="other")


async def test_what_was_stored_is_whole_on_every_database(open_database: OpenDatabase) -> None:
    database = open_database(METADATA, SCHEMA_VERSION)
    await fill(database)
    assert await checked(database) == [
        "tenant acme: 3 trees are what their digests say",
        "tenant other: 1 trees are what their digests say",
    ]
    await database.close()


def altered(column: Column[Any]) -> str:
    name = column.name
    if isinstance(column.type, LargeBinary):
        return f"CAST(coalesce(substr({name}, 1, length({name}) - 1), '') || '!?' AS BLOB)"
    if isinstance(column.type, Text):
        return f"coalesce({name}, '') || 'x'"
    return f"1 - {name}"


COLUMNS = [
    column
    for table in (TREES, KINDS)
    for column in table.columns
    if f"{table.name}.{column.name}" not in NO_EVIDENCE
]


@pytest.mark.parametrize("column", COLUMNS, ids=lambda c: f"{c.table.name}.{c.name}")
async def test_an_altered_column_is_found(
    database: Database, path: Path, column: Column[Any]
) -> None:
    await fill(database)
    table, name = column.table.name, column.name
    with opened(path) as file:
        file.execute(f"UPDATE {table} SET {name} = {altered(column)} WHERE rowid = 2")  # noqa: S608
    with pytest.raises(DataCorrupted, match=r"tenant '(acme|.*x)': (trees|kinds|capture)"):
        await checked(database)


@pytest.mark.parametrize("table", ["trees", "kinds"])
async def test_a_row_that_is_named_and_gone_is_found(
    database: Database, path: Path, table: str
) -> None:
    await fill(database)
    with opened(path) as file:
        file.execute(f"DELETE FROM {table} WHERE rowid = 2")  # noqa: S608
    with pytest.raises(DataCorrupted, match="is not there"):
        await checked(database)


async def test_an_erased_tree_is_none_that_was_altered(database: Database) -> None:
    await fill(database)
    store = SqlCaptureStore(database)
    await store.erase("acme", "cap_1", 1, plain)
    await store.finish_erasure("acme", "cap_1")
    assert len(await checked(database)) == 2
