"""What `sz-admin check` says of rows of keys and tenants that were altered in the database."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from systemzero_admin.__main__ import main
from systemzero_gateway.store import SCHEMA
from systemzero_gateway.store.tables import API_KEYS, KEY_SECRETS, TENANTS
from systemzero_storage.database import open_database
from tests.integration.gateway.admin.conftest import Place
from tests.support.gateway import world


async def check(folder: Path, more: tuple[str, ...]) -> int:
    arguments = ["check", "--data", str(folder), "--service", "gateway", *more]
    return await asyncio.to_thread(main, arguments)


@pytest.mark.parametrize(
    ("statement", "table"),
    [
        (update(API_KEYS).values(role="viewer"), "api_keys"),
        (update(API_KEYS).values(revoke_time=1), "api_keys"),
        (update(KEY_SECRETS).values(expire_time=1), "key_secrets"),
        (update(TENANTS).values(quota_events=1), "tenants"),
    ],
    ids=["role", "revocation", "secret", "tenant"],
)
async def test_an_altered_row_is_found_and_named(
    tmp_path: Path, place: Place, capsys: pytest.CaptureFixture[str], statement: Any, table: str
) -> None:
    settings, arguments = place
    folder = tmp_path / "gateway"
    async with world(folder, local=True, database=settings):
        assert await check(tmp_path, arguments) == 0
    said = capsys.readouterr().out
    assert "2 tenants are as the gateway wrote them" in said
    assert "2 keys are as the gateway wrote them" in said
    assert "2 secrets of keys are as the gateway wrote them" in said
    database = open_database(folder, SCHEMA, settings)
    await database.write(lambda connection: connection.execute(statement).rowcount)
    await database.close()
    assert await check(tmp_path, arguments) != 0
    told = capsys.readouterr().err
    assert f"{table}: the row of " in told
    assert "was altered in the database" in told


async def test_rows_without_the_pepper_are_not_passed_for_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async with world(tmp_path / "gateway", local=True):
        pass
    (tmp_path / "gateway" / "pepper.key").unlink()
    assert await check(tmp_path, ()) != 0
    assert "pepper.key is missing" in capsys.readouterr().err
