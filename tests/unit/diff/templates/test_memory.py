"""The templates of all tenants take no more memory than is set, and are as right as ever."""

from __future__ import annotations

import asyncio
import gc
import itertools
import tracemalloc
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_core.diff import diff
from systemzero_core.drift import CoveredEdit, DecisionKind, PlaceDigests
from systemzero_core.errors import TooLarge
from systemzero_core.template import Template, next_version, signed
from systemzero_core.tree import Node, Tree
from systemzero_diff.digests import template_body
from systemzero_diff.store import LOG, METADATA, SCHEMA_VERSION, SqlDiffStore, Transaction
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.templates.baselines import ReadyBaselines
from systemzero_diff.work.baselines import memory_of
from systemzero_evidence.log import LogStore
from systemzero_storage.database import open_sqlite
from systemzero_storage.tree_body import compress
from tests.support.patience import UNHURRIED
from tests.support.stores import NOW, decision, event
from tests.support.templates import World, screen

BUDGET = 4_000_000
_TENANTS = itertools.count()


def packed(template: Template) -> PackedTemplate:
    tree = None if template.tree is None else compress(template.tree)
    return PackedTemplate(
        template_id=template.template_id,
        version=template.version,
        screen_id=template.screen_id,
        position=1,
        deleted=False,
        body=template_body(template),
        tree=tree,
    )


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlDiffStore]:
    database = open_sqlite(tmp_path / "diff.db", METADATA, SCHEMA_VERSION)
    log = LogStore(database, LOG, "test.example/log", [Ed25519PrivateKey.generate()])
    yield SqlDiffStore(database, log)
    await database.close()


async def test_what_all_tenants_have_in_memory_stays_within_the_budget(
    store: SqlDiffStore,
) -> None:
    world = World(store, BUDGET)
    tenants = [f"tenant-{number}" for number in range(12)]
    screens = [screen(number) for number in range(12)]
    for tenant in tenants:
        await world.put(tenant, *screens)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        for tenant, template in itertools.product(tenants, screens):
            baseline = await world.judged(tenant, template)
            assert baseline is not None
            assert baseline.template == template
            assert world.sets.memory <= BUDGET
        del baseline
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before <= BUDGET


async def test_a_set_that_gave_way_is_loaded_when_it_is_asked_for(store: SqlDiffStore) -> None:
    world = World(store, 1_000_000)
    await world.put("acme", screen(1))
    await world.put("beta", screen(2))
    await world.judged("acme", screen(1))
    for tenant in ("beta", "gamma", "delta", "epsilon"):
        await world.sets.of(tenant)
    reads = world.reads
    found = await world.judged("acme", screen(1))
    assert found is not None
    assert found.template == screen(1)
    assert world.reads > reads


async def test_a_baseline_that_no_budget_holds_is_made_for_each_use(store: SqlDiffStore) -> None:
    world = World(store, 1_500_000)
    large = screen(1, 2_000)
    await world.put("acme", large)
    for _ in range(2):
        found = await world.judged("acme", large)
        assert found is not None
        assert found.template == large
        assert world.sets.memory <= 1_500_000


async def test_more_than_the_budget_of_one_tenant_is_refused_and_others_are_served(
    store: SqlDiffStore,
) -> None:
    world = World(store, 2_000_000)
    await world.put("quiet", screen(1))
    many = [screen(number, 1_500) for number in range(40)]
    await world.put("loud", *many)
    with pytest.raises(TooLarge, match="more than the 1,500,000 that one tenant's may"):
        await world.sets.of("loud")
    assert world.sets.memory <= 2_000_000
    reads = world.reads
    for _ in range(5):
        with pytest.raises(TooLarge):
            await world.sets.of("loud")
    assert world.reads == reads  # not loaded again for each call
    assert await world.judged("quiet", screen(1)) is not None
    await world.put("loud", *map(_next, many[1:]), deleted=True)
    assert await world.judged("loud", many[0]) is not None


async def test_versions_that_were_replaced_do_not_use_up_the_budget(store: SqlDiffStore) -> None:
    world = World(store, 2_000_000)
    template = screen(1, 1_000)
    await world.put("acme", template)
    for _ in range(60):
        await world.sets.of("acme")
        template = _next(template)
        await world.put("acme", template)
        assert world.sets.memory <= 2_000_000
    found = await world.judged("acme", template)
    assert found is not None
    assert found.template.version == 61


async def test_many_templates_are_read_a_few_at_a_time(store: SqlDiffStore) -> None:
    world = World(store, BUDGET)
    await world.put("acme", *(screen(number, 10) for number in range(40)))
    found = await world.sets.of("acme")
    assert len(found.baselines) == len(found.index) == 40
    assert world.reads == 3


async def test_whoever_waits_for_a_set_that_is_refused_is_refused_too(store: SqlDiffStore) -> None:
    world = World(store, 1_000_000)
    await world.put("loud", *(screen(number, 1_500) for number in range(40)))
    answers = await asyncio.gather(
        *(world.sets.of("loud") for _ in range(5)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [TooLarge] * 5


@settings(max_examples=25, deadline=None, suppress_health_check=UNHURRIED)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abc"), st.integers(0, 4), st.sampled_from(["put", "delete", "use"])
        ),
        max_size=30,
    )
)
async def test_whatever_gives_way_the_answers_are_those_of_the_store(
    store: SqlDiffStore, steps: list[tuple[str, int, str]]
) -> None:
    world, run = World(store, 1_000_000), next(_TENANTS)
    there: dict[tuple[str, int], Template] = {}
    newest: dict[tuple[str, int], Template] = {}
    generations: dict[tuple[str, tuple[int, int]], set[tuple[str, int]]] = {}
    for name, number, step in steps:
        tenant, key = f"{name}-{run}", (name, number)
        if step != "use":
            made = _next(newest[key]) if key in newest else screen(number)
            await world.put(tenant, made, deleted=step == "delete")
            newest[key] = there[key] = made
            if step == "delete":
                del there[key]
        found = await world.sets.of(tenant)
        has = {(t.template_id, t.version) for (n, _), t in there.items() if n == name}
        assert {(key, found.baselines[key].template.version) for key in found.baselines} == has
        assert len(found.index) == len(has)
        assert generations.setdefault((tenant, found.generation), has) == has
        assert world.sets.memory <= 1_000_000


@pytest.mark.parametrize("nodes", [60, 6_000])
@pytest.mark.parametrize(
    "node",
    [
        lambda n: Node("button", name=f"Press {n}"),
        lambda n: Node("button"),
        lambda n: Node("text", name="line of an ordinary page"),
        lambda n: Node("text", name=f"é{n}" * 40),
        lambda n: Node("text", attributes=(("id", f"a{n}"), ("url", f"/x/{n}"))),
        lambda n: Node("text", states=("checked", f"x{n}"), value=f"{n}"),
    ],
)
def test_a_baseline_takes_no_more_than_is_counted(node, nodes: int) -> None:  # type: ignore[no-untyped-def]
    tree = Tree([Node("form"), *map(node, range(nodes))], [-1] + [0] * nodes)
    other = Tree([Node("form"), *map(node, range(1, nodes))], [-1] + [0] * (nodes - 1))
    template = packed(signed(Template(template_id="t", screen_id="s", tree=tree)))
    said = memory_of(nodes + 1, template.document_bytes)
    ready = ReadyBaselines(said)
    gc.collect()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        baseline = ready.get(template, nodes + 1)
        assert baseline.prepared is not None
        diff(baseline.prepared, other)
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert ready.bytes == said
    assert after - before <= said <= 5 * (after - before)


def _next(template: Template) -> Template:
    return next_version(template, {"metadata": {"version": str(template.version + 1)}})


def _decide(count: int) -> Callable[[Transaction], None]:
    """A job that takes so many decisions, each of 500 edits."""
    edits = tuple(CoveredEdit(f"{n:064x}", PlaceDigests(f"{n:032x}")) for n in range(500))

    def job(transaction: Transaction) -> None:
        transaction.put_event(event(0), 0)
        for number in range(count):
            made = decision(number, DecisionKind.REJECT, NOW + number)
            made = msgspec.structs.replace(made, edits=edits)
            transaction.put_decision(made, "evt_0", number)

    return job


async def test_decisions_that_do_not_fit_are_refused_before_they_take_the_memory(
    store: SqlDiffStore,
) -> None:
    world = World(store, BUDGET)
    await world.put("acme", screen(1))
    await store.write("acme", _decide(150))
    gc.collect()
    tracemalloc.start()
    try:
        with pytest.raises(TooLarge, match="templates and decisions take"):
            await world.sets.of("acme")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak <= 2 * BUDGET


async def test_many_decisions_are_taken_in_in_their_order(store: SqlDiffStore) -> None:
    world = World(store, 100 * BUDGET)
    await world.put("acme", screen(1))
    await store.write("acme", _decide(70))
    found = await world.sets.of("acme")
    assert [each.decision_id for each in found.decisions.on("order")] == [
        f"dec_{n}" for n in range(70)
    ]
