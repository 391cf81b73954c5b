"""The counters of the capture service's store equal a recount, whatever was written and deleted."""

from __future__ import annotations

import itertools
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from systemzero_base.ids import new_id
from systemzero_capture.admin.tenant_erasure import erase_tenant
from systemzero_capture.model import Bounds, Original, OriginalKind, Sighting
from systemzero_capture.store import METADATA, SqlCaptureStore
from systemzero_core.errors import NotFound
from systemzero_storage.database import Database
from systemzero_storage.tenancy.counters import recounted
from systemzero_storage.tree_body import compress
from tests.support.patience import UNHURRIED
from tests.support.stores import DAY, NOW, known, plain, sighting, tree
from tests.support.usage import agrees, counted

COUNTS = {"captures": lambda rows: sum(r["erase_time"] is None for r in rows["captures"])}
_TENANTS = itertools.count()

OPERATIONS = st.one_of(
    st.tuples(st.just("add"), st.integers(0, 3), st.sampled_from(["", "é", "r1", "r2"])),
    st.tuples(st.just("keep"), st.integers(0, 3), st.integers(0, 2)),
    st.tuples(st.just("judge"), st.integers(0, 9), st.none()),
    st.tuples(st.just("erase"), st.integers(0, 9), st.none()),
    st.tuples(st.just("collect"), st.integers(0, 9), st.integers(0, 3)),
    st.tuples(st.just("originals"), st.integers(0, 9), st.none()),
    st.tuples(st.just("forget"), st.none(), st.none()),
)


class World:
    """One tenant's captures, and what may be done to them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.store = SqlCaptureStore(database)
        self.tenant = f"t{next(_TENANTS)}"
        self.ids: list[str] = []

    async def put(self, button: int, said: Sighting) -> None:
        name, time = f"button {button}", NOW + len(self.ids) * DAY
        body, verdict = compress(tree(name)), b"" if button % 2 else b"verdict"
        stored = await self.store.add(
            self.tenant, new_id("cap"), time, known(name), said, body=body, verdict=verdict
        )
        assert stored is not None
        self.ids.append(stored.capture_id)

    async def add(self, button: int, request: str) -> None:
        digest = f"{button}".encode()
        said = sighting(f"{request}{button}", digest, session_id=request) if request else sighting()
        await self.put(button, said)

    async def keep(self, button: int, which: int) -> None:
        native = Original(
            kind=OriginalKind.NATIVE,
            media_type="text/plain",
            size=5,
            sha256=bytes([which]) * 32,
            body=b"bytes",
        )
        await self.put(button, Sighting(originals=(native,)))

    async def judge(self, at: int, _: None) -> None:
        if self.ids:
            try:
                capture = await self.store.get(self.tenant, self.ids[at % len(self.ids)])
            except NotFound:
                return
            await self.store.set_verdict(self.tenant, capture, b"late")

    async def erase(self, at: int, _: None) -> None:
        if self.ids:
            try:
                await self.store.erase(self.tenant, self.ids[at % len(self.ids)], NOW, plain)
            except NotFound:
                return

    async def collect(self, days: int, most: int) -> None:
        bounds = Bounds(before=NOW + days * DAY, most=most, settled=NOW + 1000 * DAY)
        await self.store.collect(self.tenant, bounds)

    async def originals(self, days: int, _: None) -> None:
        await self.store.collect_originals(self.tenant, NOW + days * DAY)

    async def forget(self, _: None, __: None) -> None:
        folder = Path()
        lines = [line async for line in erase_tenant(self.database, folder, "", self.tenant, NOW)]
        assert lines


@settings(max_examples=25, suppress_health_check=UNHURRIED)
@given(st.lists(OPERATIONS, max_size=12))
async def test_the_counters_equal_a_recount(
    database: Database, operations: list[tuple[str, int, int]]
) -> None:
    world, rival = World(database), World(database)
    await rival.add(1, "r1")
    before = await counted(database, METADATA, rival.tenant)
    for name, *given_values in operations:
        await getattr(world, name)(*given_values)
    await agrees(database, METADATA, world.tenant, COUNTS)
    assert await counted(database, METADATA, rival.tenant) == before
    own = database.of(world.tenant)
    again = await own.read(lambda c: recounted(c.unscoped, METADATA, world.tenant))
    assert again == await counted(database, METADATA, world.tenant)


async def test_what_is_deleted_is_given_back(database: Database) -> None:
    world = World(database)
    await world.add(0, "r1")
    one = await counted(database, METADATA, world.tenant)
    assert one["captures"] == 1
    await world.add(1, "r1")
    await world.erase(1, None)
    left = await counted(database, METADATA, world.tenant)
    assert left["captures"] == 1
    await world.add(2, "")
    await world.collect(9, 1)
    assert (await counted(database, METADATA, world.tenant))["captures"] == 1
    await agrees(database, METADATA, world.tenant, COUNTS)
