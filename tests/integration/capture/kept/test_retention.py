"""What is kept of captures and how long, over every database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from systemzero_base.telemetry.logs import get_logger
from systemzero_capture.config import Retention, RetentionSettings
from systemzero_capture.kept.retention import Collector
from systemzero_capture.kept.settings import KeepingSettings
from systemzero_capture.model import Bounds
from systemzero_capture.store import METADATA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_capture.store.retention import BATCH
from systemzero_core.errors import NotFound
from systemzero_storage.database import Database
from systemzero_storage.tree_body import compress
from tests.support.databases import OpenDatabase
from tests.support.loops import some_loops
from tests.support.stores import DAY, NOW, known, sighting, tree

EMPTY = {
    "verdicts": 0,
    "originals": 0,
    "blobs": 0,
    "erasures": 0,
    "data_keys": 0,
    "marks": 0,
    "usage": 1,
}
EVERYTHING = Bounds(before=NOW + 1000 * DAY, most=0, settled=NOW + 1000 * DAY)


@pytest.fixture
async def database(open_database: OpenDatabase) -> AsyncIterator[Database]:
    opened = open_database(METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


@pytest.fixture
def store(database: Database) -> SqlCaptureStore:
    return SqlCaptureStore(database)


async def add(
    store: SqlCaptureStore,
    number: int,
    *,
    day: int = 0,
    tenant: str = "acme",
    request_id: str = "",
    button: str = "Buy",
    of_diff: bool = False,
) -> None:
    """The capture `cap_<number>`, taken in on a day from now."""
    said = sighting(request_id, b"digest") if request_id else sighting()
    body = compress(tree(button))
    time = NOW + day * DAY
    what = (tenant, f"cap_{number}", time, known(button), said)
    await store.add(*what, body=body, of_diff=of_diff)


async def left(store: SqlCaptureStore, tenant: str = "acme") -> list[str]:
    return [capture.capture_id for capture in await store.after(tenant, 0, 1000)]


async def rows(database: Database) -> dict[str, int]:
    def count(table: str) -> int:
        return len(fetched[table])

    fetched = await database.read(
        lambda c: {t.name: c.execute(t.select()).all() for t in METADATA.sorted_tables}
    )
    return {name: count(name) for name in fetched}


def collector(
    store: SqlCaptureStore, day: int, events: frozenset[str] = frozenset(), **settings: object
) -> Collector:
    originals = KeepingSettings(days=0)
    chosen = RetentionSettings(**settings)  # type: ignore[arg-type]

    async def with_event(_tenant: str, capture_ids: Sequence[str]) -> frozenset[str]:
        return events & frozenset(capture_ids)

    clock, logger = (lambda: NOW + day * DAY), get_logger("test")
    return Collector(store, chosen, originals, clock, logger, some_loops(), with_event)


async def test_what_is_too_old_goes_with_all_that_it_alone_used(
    store: SqlCaptureStore, database: Database
) -> None:
    for day in range(6):
        await add(store, day, day=day, request_id=f"r{day}", button=f"button {day % 4}")
    assert await collector(store, 6, days=3).collect() == 3
    assert await left(store) == ["cap_3", "cap_4", "cap_5"]
    # the trees of cap_0 and cap_1 are those of cap_4 and cap_5
    assert await rows(database) == {"trees": 3, "kinds": 3, "captures": 3, "requests": 3} | EMPTY
    assert await store.known("acme", known("button 2").signatures.full) is None
    assert await store.find_request("acme", sighting("r0", b"another digest")) is None
    with pytest.raises(NotFound):
        await store.get("acme", "cap_0")


async def test_of_too_many_the_oldest_go(store: SqlCaptureStore) -> None:
    for number in range(6):
        await add(store, number)
    assert await collector(store, 1, captures=2).collect() == 4
    assert await left(store) == ["cap_4", "cap_5"]
    assert await collector(store, 1, captures=2).collect() == 0


async def test_what_something_is_made_of_stays(store: SqlCaptureStore) -> None:
    for number in range(4):
        await add(store, number, of_diff=number == 1)
    await store.hold("acme", ["cap_0"])
    held, made_an_event, unchanged, _ = await store.after("acme", 0, 9)
    await store.set_verdict("acme", held, b"unchanged")
    await store.set_verdict("acme", unchanged, b"unchanged")
    events = frozenset({made_an_event.capture_id})
    assert await collector(store, 100, events, days=1).collect() == 1
    assert await left(store) == ["cap_0", "cap_1", "cap_3"]
    assert await store.body("acme", "cap_0")
    with pytest.raises(NotFound):
        await store.hold("acme", ["cap_2"])


async def test_positions_go_on_after_everything_was_collected(store: SqlCaptureStore) -> None:
    for number in range(3):
        await add(store, number)
    await collector(store, 100, days=1).collect()
    assert await left(store) == ["cap_2"]
    await add(store, 3, day=100)
    assert [capture.position for capture in await store.after("acme", 0, 9)] == [3, 4]


async def test_what_may_still_be_about_to_be_judged_stays(store: SqlCaptureStore) -> None:
    for number in range(3):
        await add(store, number)
    assert await collector(store, 0, captures=1).collect() == 0


async def test_a_batch_is_bounded(store: SqlCaptureStore) -> None:
    await asyncio.gather(*(add(store, number) for number in range(BATCH + 10)))
    assert await store.collect("acme", EVERYTHING) == BATCH
    assert await store.collect("acme", EVERYTHING) == 9
    assert await store.collect("acme", EVERYTHING) == 0


async def test_each_tenant_has_its_bounds(store: SqlCaptureStore) -> None:
    for tenant in ("acme", "other", "third"):
        for number in range(3):
            await add(store, number, tenant=tenant)
    bounds = {"acme": Retention(captures=2), "third": Retention()}
    assert await collector(store, 9, days=1, tenants=bounds).collect() == 3
    assert [len(await left(store, t)) for t in ("acme", "other", "third")] == [2, 1, 3]


async def test_captures_come_in_while_others_go(store: SqlCaptureStore) -> None:
    for number in range(30):
        await add(store, number)
    collecting = asyncio.create_task(collector(store, 9, days=1).collect())
    await asyncio.gather(*(add(store, number, day=9) for number in range(30, 60)))
    await collecting
    assert (await left(store))[-30:] == [f"cap_{number}" for number in range(30, 60)]


async def test_a_request_id_is_forgotten_after_a_week_and_not_before(
    store: SqlCaptureStore, database: Database
) -> None:
    await add(store, 0, request_id="first")
    for number in range(1, 40):
        await add(store, number, day=6, request_id=f"r{number}")
    assert await store.find_request("acme", sighting("first", b"digest")) is not None
    for number in range(40, 100):
        await add(store, number, day=20, request_id=f"r{number}")
    assert await store.find_request("acme", sighting("first", b"digest")) is None
    assert (await rows(database))["requests"] <= 60
    assert len(await left(store)) == 100


async def test_nothing_is_collected_unless_it_is_asked_for(store: SqlCaptureStore) -> None:
    await add(store, 0)
    await add(store, 1)
    assert await collector(store, 10_000).collect() == 0


async def test_a_clock_that_leaps_ahead_erases_nothing(store: SqlCaptureStore) -> None:
    for number in range(4):
        await add(store, number)
    now = NOW

    async def with_event(_tenant: str, _capture_ids: Sequence[str]) -> frozenset[str]:
        return frozenset()

    kept = Collector(
        store,
        RetentionSettings(days=30),
        KeepingSettings(),
        lambda: now,
        get_logger("test"),
        some_loops(),
        with_event,
    )
    await kept.round()
    now += 365 * DAY
    await kept.round()
    assert len(await left(store)) == 4
    now -= 365 * DAY
    await kept.round()
    assert len(await left(store)) == 4


async def test_a_start_with_a_clock_far_ahead_erases_nothing(store: SqlCaptureStore) -> None:
    for number in range(4):
        await add(store, number, tenant="other" if number else "acme")
    await collector(store, 365, days=30).round()
    assert [len(await left(store, tenant)) for tenant in ("acme", "other")] == [1, 3]


async def test_what_grew_old_day_by_day_is_collected_by_rounds(store: SqlCaptureStore) -> None:
    for number in range(4):
        await add(store, number, day=10 * number, tenant="other" if number == 3 else "acme")
    await collector(store, 30, days=15).round()
    assert [len(await left(store, tenant)) for tenant in ("acme", "other")] == [1, 1]
