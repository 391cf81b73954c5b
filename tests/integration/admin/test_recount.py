"""`sz-admin recount` puts counters right that somebody wrote around; `check` does not pass them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from systemzero_admin.__main__ import main
from systemzero_capture.store import METADATA, SCHEMA, SqlCaptureStore
from systemzero_storage.database import DatabaseSettings, open_database
from systemzero_storage.tree_body import compress
from tests.support.sqlite import opened
from tests.support.stores import NOW, known, sighting, tree
from tests.support.usage import counted


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with two captures of one tenant and one of another."""

    async def fill() -> None:
        database = open_database(tmp_path / "capture", SCHEMA, DatabaseSettings())
        store = SqlCaptureStore(database)
        for number, tenant in enumerate(("acme", "acme", "rival")):
            body = compress(tree("Buy"))
            await store.add(tenant, f"cap_{number}", NOW, known("Buy"), sighting(), body=body)
        await database.close()

    asyncio.run(fill())
    return tmp_path


def counts(data: Path, tenant: str) -> dict[str, int]:
    async def read() -> dict[str, int]:
        database = open_database(data / "capture", SCHEMA, DatabaseSettings())
        try:
            return await counted(database, METADATA, tenant)
        finally:
            await database.close()

    return asyncio.run(read())


def admin(command: str, data: Path, *more: str) -> int:
    return main([command, "--data", str(data), "--service", "capture", *more])


def test_what_was_written_around_the_counters_is_found_and_put_right(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {tenant: counts(data, tenant) for tenant in ("acme", "rival")}
    assert admin("recount", data) == 0
    assert "2 tenants are counted, of 0 the counters were wrong" in capsys.readouterr().out
    with opened(data / "capture" / "capture.db") as file:
        file.execute("UPDATE usage SET captures = 7 WHERE tenant = 'acme'")
        file.execute("DELETE FROM usage WHERE tenant = 'rival'")
    assert admin("recount", data, "--tenant", "acme") == 0
    said = capsys.readouterr().out
    assert "tenant acme: counted stored_bytes" in said
    assert "captures 7; there are" in said
    assert (counts(data, "acme"), counts(data, "rival")["captures"]) == (before["acme"], 0)
    assert admin("recount", data) == 0
    assert counts(data, "rival") == before["rival"]


def test_a_check_does_not_pass_counters_that_are_wrong(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin("check", data) == 0
    assert "what 2 tenants store is what their counters say" in capsys.readouterr().out
    with opened(data / "capture" / "capture.db") as file:
        file.execute("UPDATE usage SET stored_bytes = stored_bytes - 1 WHERE tenant = 'acme'")
    assert admin("check", data) == 2
    assert "tenant 'acme': the counter stored_bytes says" in capsys.readouterr().err


def test_a_folder_without_a_database_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert admin("recount", tmp_path) == 2
    assert "no service has counters" in capsys.readouterr().err
