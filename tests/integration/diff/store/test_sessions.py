"""The paths of sessions in the store, over every database: what is kept, and what is forgotten."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select

from systemzero_core.drift import SessionCapture
from systemzero_core.drift.detectors.sequence import MAX_VISITS
from systemzero_diff.store import LOG, METADATA, SCHEMA_VERSION, DiffStore, SqlDiffStore
from systemzero_diff.store.tables import SESSIONS
from systemzero_diff.verdicts.sessions import SessionPaths
from systemzero_evidence.log import LogStore
from systemzero_storage.database import Database
from tests.support.databases import OpenDatabase
from tests.support.stores import DAY, NOW

KEEP = SessionPaths(1)


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


@pytest.fixture
def store(database: Database) -> DiffStore:
    log = LogStore(database, LOG, "test.example/log", [Ed25519PrivateKey.generate()])
    return SqlDiffStore(database, log)


async def visit(
    store: DiffStore, session: str, screen: str, time: int = NOW, tenant: str = "acme"
) -> list[str]:
    """The screens of the path, up to and with this visit."""
    made = SessionCapture(screen, time)
    path = await store.write(tenant, lambda t: KEEP.visit(t, session, made))
    return [visit.screen_id for visit in path]


async def rows(database: Database) -> int:
    return int(
        await database.read(
            lambda c: c.execute(select(func.count()).select_from(SESSIONS)).scalar_one()
        )
    )


async def test_a_path_grows_by_what_is_new(store: DiffStore) -> None:
    assert await visit(store, "a", "home") == ["home"]
    assert await visit(store, "a", "home") == []
    assert await visit(store, "a", "") == ["home", ""]
    assert await visit(store, "a", "home") == ["home", "", "home"]


async def test_a_path_keeps_the_last_visits_alone(store: DiffStore) -> None:
    for number in range(3 * MAX_VISITS):
        path = await visit(store, "a", f"screen {number}", NOW + number)
    assert path == [f"screen {number}" for number in range(2 * MAX_VISITS, 3 * MAX_VISITS)]
    found = await store.read("acme", lambda t: t.session("a"))
    assert found is not None
    assert [visit.screen_id for visit in found.path] == path
    assert found.path[-1].time == NOW + 3 * MAX_VISITS - 1


async def test_visits_at_once_are_one_path(store: DiffStore) -> None:
    screens = [f"screen {number}" for number in range(MAX_VISITS)]
    paths = await asyncio.gather(*(visit(store, "a", screen) for screen in screens))
    assert sorted(len(path) for path in paths) == list(range(1, MAX_VISITS + 1))
    (whole,) = (path for path in paths if len(path) == MAX_VISITS)
    assert sorted(whole) == sorted(screens)


async def test_sessions_of_other_names_and_tenants_are_others(store: DiffStore) -> None:
    long = "s" * 200
    await visit(store, long, "home")
    assert await visit(store, long + "t", "pay") == ["pay"]
    assert await visit(store, long, "pay", tenant="other") == ["pay"]
    assert await visit(store, long, "pay") == ["home", "pay"]


async def test_a_session_that_stays_costs_no_write_until_it_is_nearly_forgotten(
    store: DiffStore,
) -> None:
    await visit(store, "a", "home")
    found = await store.read("acme", lambda t: t.session("a"))
    assert KEEP.stays(found, SessionCapture("home", NOW + DAY - 1))
    assert not KEEP.stays(found, SessionCapture("home", NOW + DAY))
    assert not KEEP.stays(found, SessionCapture("pay", NOW))
    assert not KEEP.stays(None, SessionCapture("home", NOW))


async def test_old_sessions_are_forgotten_as_new_ones_come(
    store: DiffStore, database: Database
) -> None:
    for number in range(20):
        await visit(store, f"old {number}", "home")
    await visit(store, "other", "home", tenant="other")
    later = NOW + 2 * DAY + 1
    for number in range(30):
        await visit(store, f"new {number}", "home", later)
    assert await rows(database) == 31
    assert await visit(store, "new 0", "pay", later) == ["home", "pay"]


async def test_what_was_forgotten_begins_anew(store: DiffStore) -> None:
    await visit(store, "a", "home")
    assert await visit(store, "a", "pay", NOW + 2 * DAY) == ["home", "pay"]
    assert await visit(store, "a", "home", NOW + 4 * DAY + 1) == ["home"]
    assert await visit(store, "a", "home", NOW + 4 * DAY + 2) == []
