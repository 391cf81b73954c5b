"""The templates in memory: they follow the store, whatever happens at the same time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from systemzero_core.drift import DecisionKind
from systemzero_core.match import MatchAnswer, match
from systemzero_core.template import Template, next_version
from systemzero_diff.config import MatchSettings
from systemzero_diff.store import LOG, METADATA, SCHEMA_VERSION, SqlDiffStore, Transaction
from systemzero_diff.templates.of_tenant import DEFAULT_BYTES
from systemzero_diff.templates.sets import TemplateSets
from systemzero_diff.verdicts.counts import VerdictCounts
from systemzero_evidence.log import LogStore
from systemzero_storage.database import open_sqlite
from tests.support.stores import DAY, NOW, decision, event, template, tree

T = TypeVar("T")


class SlowStore:
    """A store whose next read, once it has its answer, waits until it is let go."""

    def __init__(self, store: SqlDiffStore) -> None:
        self._store = store
        self.hold = False
        self.holding = asyncio.Event()
        self.go = asyncio.Event()
        self.reads = 0
        self.look_up, self.write = store.look_up, store.write
        self.write_anyhow = store.write_anyhow

    async def read(self, tenant: str, job: Callable[[Transaction], T]) -> T:
        self.reads += 1
        answer = await self._store.read(tenant, job)
        if self.hold:
            self.hold = False
            self.holding.set()
            await self.go.wait()
        return answer


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SlowStore]:
    database = open_sqlite(tmp_path / "diff.db", METADATA, SCHEMA_VERSION)
    log = LogStore(database, LOG, "test.example/log", [Ed25519PrivateKey.generate()])
    yield SlowStore(SqlDiffStore(database, log))
    await database.close()


class World:
    def __init__(
        self, store: SlowStore, most_tenants: int = 1_000, most_bytes: int = DEFAULT_BYTES
    ) -> None:
        self.now = 0.0
        self.store = store
        self.executor = ThreadPoolExecutor(1)
        self.sets = TemplateSets(
            store, self.executor, lambda: self.now, MatchSettings().of, most_tenants, most_bytes
        )

    async def put(self, made: Template, tenant: str = "acme", *, deleted: bool = False) -> None:
        await self.store.write(tenant, lambda t: t.put_template(made, NOW, "e", deleted=deleted))
        self.sets.stale(tenant)


@pytest.fixture
def world(store: SlowStore) -> World:
    return World(store)


async def test_what_was_written_is_seen_by_the_next_use(world: World) -> None:
    assert len((await world.sets.of("acme")).baselines) == 0
    await world.put(template("order", "Buy"))
    assert (await world.sets.of("acme")).baselines["tpl_1"].template.version == 1
    await world.put(next_version(template("order", "Buy"), {}), deleted=True)
    found = await world.sets.of("acme")
    assert not found.baselines
    assert not found.transitions
    assert len(found.index) == 0


async def test_a_read_that_overlaps_a_write_is_not_taken_for_fresh(world: World) -> None:
    world.store.hold = True
    using = asyncio.ensure_future(world.sets.of("acme"))
    holding = asyncio.ensure_future(world.store.holding.wait())
    await asyncio.wait([using, holding], return_when=asyncio.FIRST_COMPLETED)
    assert not using.done()
    await world.put(template("order", "Buy"))
    world.store.go.set()
    await using
    assert "tpl_1" in (await world.sets.of("acme")).baselines


async def test_what_another_process_wrote_is_seen_after_a_while(world: World) -> None:
    await world.sets.of("acme")
    made = template("order", "Buy")
    await world.store.write("acme", lambda t: t.put_template(made, NOW, "e"))
    reads = world.store.reads
    assert not (await world.sets.of("acme")).baselines
    assert world.store.reads == reads
    world.now += 0.6
    assert (await world.sets.of("acme")).baselines


async def test_nobody_waits_while_another_looks_for_what_other_processes_wrote(
    world: World,
) -> None:
    await world.put(template("order", "Buy"))
    await world.sets.of("acme")
    await world.store.write(
        "acme", lambda t: t.put_template(template("cart", "Pay", template_id="tpl_2"), NOW, "e")
    )
    world.now += 0.6
    world.store.hold = True
    looking = asyncio.ensure_future(world.sets.of("acme"))
    await world.store.holding.wait()
    assert set((await world.sets.of("acme")).baselines) == {"tpl_1"}  # at once, as it was
    await world.put(next_version(template("order", "Buy"), {}))
    own = asyncio.ensure_future(world.sets.of("acme"))  # this process wrote: it has to wait
    world.store.go.set()
    await looking
    baselines = (await own).baselines
    assert set(baselines) == {"tpl_1", "tpl_2"}
    assert baselines["tpl_1"].template.version == 2


async def test_no_two_states_share_a_generation_also_after_being_dropped(store: SlowStore) -> None:
    world = World(store, most_tenants=1)
    versions = template("order", "Buy")
    seen = {(await world.sets.of("acme")).generation}
    for n in range(3):
        await world.put(versions)
        versions = next_version(versions, {"metadata": {"n": str(n)}})
        seen.add((await world.sets.of("acme")).generation)
        await world.sets.of("another tenant")  # drops the first
        seen.add((await world.sets.of("acme")).generation)
    decided = decision(1, DecisionKind.REJECT)
    await store.write("acme", lambda t: t.put_event(event(1), 0))
    await store.write("acme", lambda t: t.put_decision(decided, "evt_1", 0))
    world.sets.stale("acme")
    found = await world.sets.of("acme")
    assert found.generation not in seen
    assert len(seen) == 4
    assert [each.decision_id for each in found.decisions.on(decided.screen_id)] == [
        decided.decision_id
    ]


async def test_a_search_between_index_and_baselines_is_made_again(world: World) -> None:
    first = template("order", "Buy")
    await world.put(first)
    found = await world.sets.of("acme")
    old = match(found.index, found.index.tokens_of(tree("Buy")))
    await world.put(next_version(first, {}))
    await world.sets.of("acme")
    calls = itertools.count()

    def find() -> MatchAnswer:
        if next(calls) == 0:
            return old  # of a snapshot that was replaced meanwhile
        return match(found.index, found.index.tokens_of(tree("Buy")))

    answer, baseline = found.matched(find)
    assert answer.chosen is not None
    assert baseline is not None
    assert answer.chosen.version == baseline.template.version == 2
    await world.put(next_version(next_version(first, {}), {}), deleted=True)
    await world.sets.of("acme")
    calls = itertools.count()
    assert found.matched(find)[1] is None


async def test_tenants_share_nothing(world: World) -> None:
    await world.put(template("order", "Buy"))
    assert not (await world.sets.of("beta")).baselines


async def test_a_summary_waits_for_what_another_flush_has_under_way(store: SlowStore) -> None:
    counts = VerdictCounts(store)
    counts.add("acme", "unchanged", NOW)
    entered, go = asyncio.Event(), asyncio.Event()
    write = store.write_anyhow

    async def slow(tenant: str, job: Any) -> Any:
        entered.set()
        await go.wait()
        return await write(tenant, job)

    store.write_anyhow = slow
    first = asyncio.ensure_future(counts.flush())
    await entered.wait()
    second = asyncio.ensure_future(counts.flush())
    await asyncio.sleep(0)
    assert not second.done()
    go.set()
    await second
    await first
    found = await store.read("acme", lambda t: t.summary("2024-10-04", "2024-10-04", NOW))
    assert found.verdicts == (("2024-10-04", "unchanged", 1),)


async def test_counts_that_cannot_be_written_are_kept(store: SlowStore) -> None:
    counts = VerdictCounts(store)
    counts.add("acme", "drift", NOW + DAY)
    write = store.write_anyhow

    async def failing(tenant: str, job: Any) -> Any:
        raise OSError("disk full")

    store.write_anyhow = failing
    with pytest.raises(OSError, match="disk full"):
        await counts.flush()
    store.write_anyhow = write
    await counts.flush()
    found = await store.read("acme", lambda t: t.summary("2024-10-05", "2024-10-05", NOW))
    assert found.verdicts == (("2024-10-05", "drift", 1),)
