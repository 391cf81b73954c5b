"""Encryption at rest: what is in the database, and what is not, over every database."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, select, update

from systemzero_capture.admin.check import check_service
from systemzero_capture.admin.tenant_erasure import erase_tenant
from systemzero_capture.model import Original, OriginalKind, Sighting
from systemzero_capture.store import METADATA, SCHEMA, SCHEMA_VERSION, SqlCaptureStore
from systemzero_capture.store.tables import BLOBS, DATA_KEYS, KINDS, TREES, VERDICTS
from systemzero_core.errors import DataCorrupted, FailedPrecondition
from systemzero_storage.database import Database
from systemzero_storage.sealing import Keks, Keyring, SealedDatabase
from systemzero_storage.sealing.database import SealedTenant
from systemzero_storage.sealing.kek import FileKek
from systemzero_storage.sealing.keys import KeyLost
from systemzero_storage.sealing.rewrap import rewrap
from systemzero_storage.sealing.tenant_erasure import destroy_keys
from systemzero_storage.tree_body import decompress
from tests.integration.capture.store.test_store import add
from tests.support.databases import OpenDatabase
from tests.support.sealing import KEY, OTHER, sealed
from tests.support.stores import NOW, known, tree


@pytest.fixture
async def bare(open_database: OpenDatabase) -> AsyncIterator[Database]:
    """The database as it is, beneath."""
    opened = open_database(METADATA, SCHEMA_VERSION)
    yield opened
    await opened.close()


def on(database: Database, key: bytes = KEY, *old: bytes) -> SqlCaptureStore:
    return SqlCaptureStore(sealed(database, SCHEMA, key, *old))


async def trees(bare: Database) -> dict[tuple[str, bytes], bytes]:
    """The bodies of all trees as they are stored."""
    rows = await bare.read(lambda c: c.execute(select(TREES)).all())
    return {(row.tenant, bytes(row.full_digest)): bytes(row.body) for row in rows}


async def data_keys(bare: Database) -> list[Any]:
    found = select(DATA_KEYS).order_by(DATA_KEYS.c.tenant, DATA_KEYS.c.number)
    return list(await bare.read(lambda c: c.execute(found).all()))


async def store_there(bare: Database, tenant: str, digest: bytes, body: bytes) -> None:
    def job(connection: Connection) -> None:
        here = (TREES.c.tenant == tenant, TREES.c.full_digest == digest)
        assert connection.execute(update(TREES).where(*here).values(body=body)).rowcount == 1

    await bare.write(job)


async def test_bodies_are_stored_sealed_and_read_back(bare: Database) -> None:
    store = on(bare)
    added = await add(
        store, 1, "Buy", content=known("Buy", incomplete="a spinner"), verdict=b"verdict"
    )
    assert await store.get("acme", "cap_1") == added
    assert decompress(await store.body("acme", "cap_1")) == tree("Buy")
    kind = (await bare.read(lambda c: c.execute(select(KINDS)).all()))[0]
    (verdict,) = await bare.read(lambda c: c.execute(select(VERDICTS.c.body)).scalars().all())
    assert [stored[:2] for stored in (verdict, kind.incompleteness)] == [b"\0\1"] * 2
    assert [body[:2] for body in (await trees(bare)).values()] == [b"\0\1"]


@pytest.mark.parametrize("tenant", ["acme", "other"])
async def test_bodies_that_were_swapped_are_not_served(bare: Database, tenant: str) -> None:
    store = on(bare)
    await add(store, 1, "Buy")
    await add(store, 2, "Sell" if tenant == "acme" else "Buy", tenant=tenant)
    (first, one), (second, two) = (await trees(bare)).items()
    await store_there(bare, *first, two)
    await store_there(bare, *second, one)
    for owner, capture in (("acme", "cap_1"), (tenant, "cap_2")):
        with pytest.raises(DataCorrupted, match="body is not what was stored there"):
            await store.body(owner, capture)


async def test_what_was_stored_before_it_was_switched_on_is_read(bare: Database) -> None:
    await add(SqlCaptureStore(bare), 1, "Buy", verdict=b"verdict")
    store = on(bare)
    await add(store, 2, "Sell")
    assert decompress(await store.body("acme", "cap_1")) == tree("Buy")
    assert (await store.get("acme", "cap_1")).verdict == b"verdict"
    assert sorted(body[:1] == b"\0" for body in (await trees(bare)).values()) == [False, True]


async def test_switched_off_it_does_not_start(bare: Database) -> None:
    await SealedDatabase(bare, SCHEMA, None).check_keys()
    await add(on(bare), 1, "Buy")
    with pytest.raises(FailedPrecondition, match=f"{FileKek(KEY).id} wraps: configure"):
        await SealedDatabase(bare, SCHEMA, None).check_keys()
    with pytest.raises(FailedPrecondition, match="no key is configured"):
        await SqlCaptureStore(bare).body("acme", "cap_1")


async def test_with_another_kek_it_does_not_start(bare: Database) -> None:
    await add(on(bare), 1, "Buy")
    await sealed(bare, SCHEMA).check_keys()
    await sealed(bare, SCHEMA, OTHER, KEY).check_keys()
    with pytest.raises(FailedPrecondition, match=f"{FileKek(KEY).id}; configured: file:"):
        await sealed(bare, SCHEMA, OTHER).check_keys()
    with pytest.raises(FailedPrecondition):
        await on(bare, OTHER).body("acme", "cap_1")
    with pytest.raises(FailedPrecondition):  # nor is anything stored otherwise, or in the clear
        await add(on(bare, OTHER), 2, "Sell")
    assert len(await trees(bare)) == 1


async def test_a_data_key_belongs_to_its_tenant(bare: Database) -> None:
    store = on(bare)
    await add(store, 1, "Buy")
    await add(store, 2, "Buy", tenant="other")
    first, second = await data_keys(bare)
    assert (first.wrapped, first.tenant, second.tenant) != (second.wrapped, "acme", "acme")

    def job(connection: Connection) -> None:
        here = DATA_KEYS.c.tenant == "other"
        connection.execute(update(DATA_KEYS).where(here).values(wrapped=first.wrapped))

    await bare.write(job)
    with pytest.raises(DataCorrupted, match="a data key was altered"):
        await on(bare).body("other", "cap_2")


async def test_processes_that_begin_together_make_one_key(bare: Database) -> None:
    stores = [on(bare) for _ in range(4)]
    await asyncio.gather(*(add(stores[n % 4], n, f"Button {n}") for n in range(24)))
    assert [row.number for row in await data_keys(bare)] == [1]
    for n in range(24):  # whoever stored it, everybody reads it
        assert decompress(await stores[(n + 1) % 4].body("acme", f"cap_{n}")) == tree(f"Button {n}")


class Small:
    """A keyring whose keys seal little, with a clock that a test turns."""

    def __init__(self, bare: Database, block: int = 2, most: int = 4) -> None:
        self.now = 0.0
        self.keyring = Keyring(
            bare,
            DATA_KEYS,
            "capture",
            Keks(FileKek(KEY)),
            block=block,
            most=most,
            monotonic=lambda: self.now,
        )
        self._bare = bare
        self.notifier = bare.notifier
        self.store = SqlCaptureStore(self)  # type: ignore[arg-type]

    def of(self, tenant: str) -> SealedTenant:
        return SealedTenant(self._bare.of(tenant), tenant, self.keyring)


async def test_a_key_seals_no_more_than_it_may(bare: Database) -> None:
    small = Small(bare)
    for n in range(11):
        await add(small.store, n, f"Button {n}")
    # each capture has one body here: a tree; the kind has none
    used = [int.from_bytes(body[2:6], "big") for body in (await trees(bare)).values()]
    assert sorted(used) == [1] * 4 + [2] * 4 + [3] * 3
    assert [row.uses for row in await data_keys(bare)] == [4, 4, 4]
    for n in range(11):
        assert decompress(await small.store.body("acme", f"cap_{n}")) == tree(f"Button {n}")


async def test_uses_are_counted_before_they_are_made(bare: Database) -> None:
    for n in range(3):  # processes that begin, use one and are killed
        await add(Small(bare).store, n, f"Button {n}")
    assert [(row.number, row.uses) for row in await data_keys(bare)] == [(1, 4), (2, 2)]


async def destroy(bare: Database) -> None:
    await bare.write(lambda c: c.execute(update(DATA_KEYS).values(wrapped=None)).close())


async def test_with_a_key_that_was_destroyed_nothing_more_is_sealed(bare: Database) -> None:
    small = Small(bare, 8, 64)
    await add(small.store, 1, "Buy")
    await destroy(bare)
    await add(small.store, 2, "Sell")  # at once, though the key is in memory still
    bodies = await trees(bare)
    assert bodies["acme", known("Sell").signatures.full][2:6] == bytes([0, 0, 0, 2])
    assert decompress(await small.store.body("acme", "cap_2")) == tree("Sell")
    with pytest.raises(KeyLost, match="'acme': data key 1 was destroyed"):
        await small.store.body("acme", "cap_1")


async def test_a_destroyed_key_is_forgotten_within_its_time(bare: Database) -> None:
    small = Small(bare, 8, 64)
    await add(small.store, 1, "Buy")
    await destroy(bare)
    small.now = 59.9
    assert decompress(await small.store.body("acme", "cap_1")) == tree("Buy")
    small.now = 60.0
    with pytest.raises(KeyLost, match="data key 1 was destroyed"):
        await small.store.body("acme", "cap_1")


async def test_a_row_without_its_data_key_is_damage(bare: Database) -> None:
    await add(on(bare), 1, "Buy")
    await bare.write(lambda c: c.execute(DATA_KEYS.delete()).close())
    with pytest.raises(DataCorrupted, match="data key 1 is missing"):
        await on(bare).body("acme", "cap_1")


async def test_a_new_kek_wraps_anew_and_bodies_stay_as_they_are(bare: Database) -> None:
    store = on(bare)
    for number, tenant in enumerate(("acme", "other")):
        await add(store, number, "Buy", tenant=tenant)
    before = await trees(bare)
    keks = Keks(FileKek(OTHER), [FileKek(KEY)])
    assert await rewrap(bare, SCHEMA, keks) == 2
    assert {row.kek for row in await data_keys(bare)} == {FileKek(OTHER).id}
    assert await trees(bare) == before
    alone = sealed(bare, SCHEMA, OTHER)
    await alone.check_keys()
    assert decompress(await SqlCaptureStore(alone).body("acme", "cap_0")) == tree("Buy")
    with pytest.raises(FailedPrecondition):
        await sealed(bare, SCHEMA, KEY).check_keys()
    assert await rewrap(bare, SCHEMA, keks) == 2  # again without harm


async def test_both_keks_serve_while_one_follows_the_other(bare: Database) -> None:
    await add(on(bare), 1, "Buy")
    ahead, behind = on(bare, OTHER, KEY), on(bare, KEY, OTHER)
    await add(ahead, 2, "Buy", tenant="other")
    await add(behind, 3, "Buy", tenant="third")
    for store in (ahead, behind):
        for tenant, capture in (("acme", "cap_1"), ("other", "cap_2"), ("third", "cap_3")):
            assert decompress(await store.body(tenant, capture)) == tree("Buy")


class Meanwhile(FileKek):
    """A KEK during whose use something happens."""

    def __init__(self, key: bytes, happens: Callable[[], Awaitable[object]]) -> None:
        super().__init__(key)
        self._happens = happens

    async def wrap(self, key: bytes, associated: bytes) -> bytes:
        await self._happens()
        return await super().wrap(key, associated)


async def test_wrapping_anew_brings_no_destroyed_key_back(bare: Database) -> None:
    await add(on(bare), 1, "Buy")
    kek = Meanwhile(OTHER, lambda: destroy_keys(bare, SCHEMA, "acme", 1))
    assert await rewrap(bare, SCHEMA, Keks(kek, [FileKek(KEY)])) == 0
    assert [(row.wrapped, row.destroy_time) for row in await data_keys(bare)] == [(None, 1)]


@pytest.mark.parametrize("how", ["sealed", "plain", "mixed"])
async def test_an_erased_tenant_is_gone_and_begins_anew(bare: Database, how: str) -> None:
    plain, store = SqlCaptureStore(bare), on(bare)
    for number, name in enumerate(("Buy", "Sell", "Hold")):
        into = plain if how == "plain" or (how == "mixed" and number == 0) else store
        await add(into, number, name, verdict=b"verdict", content=known(name, incomplete="why"))
    await add(store, 9, "Buy", tenant="other", verdict=b"verdict")
    await destroy_keys(bare, SCHEMA, "acme", NOW)
    lines = [line async for line in erase_tenant(bare, Path(), "", "acme", NOW)]
    assert lines == ["3 captures, 3 trees and 3 kinds are erased"]
    again = [line async for line in erase_tenant(bare, Path(), "", "acme", NOW)]
    assert again == ["0 captures, 0 trees and 0 kinds are erased"]
    store = on(bare)
    for capture in await store.newest("acme", 9, before=None, app="", session_id=""):
        assert (capture.erase_time, capture.verdict) == (NOW, b"")
        assert [reason.detail for reason in capture.known.incompleteness] == ["erased"]
        with pytest.raises(FailedPrecondition, match="was erased"):
            await store.body("acme", capture.capture_id)
    assert (await store.get("other", "cap_9")).verdict == b"verdict"
    assert decompress(await store.body("other", "cap_9")) == tree("Buy")
    added = await add(store, 5, "Buy", verdict=b"verdict", content=known("Buy", incomplete="why"))
    assert await store.get("acme", "cap_5") == added
    assert decompress(await store.body("acme", "cap_5")) == tree("Buy")
    checked = [line async for line in check_service(sealed(bare, SCHEMA), Path(), "", [])]
    assert len(checked) == 2


async def test_what_is_kept_as_it_was_sent_is_sealed_and_goes_with_its_tenant(
    bare: Database,
) -> None:
    picture = b"\x89PNG\r\n\x1a\n picture of a bill"
    original = Original(
        kind=OriginalKind.SCREENSHOT,
        media_type="image/png",
        size=len(picture),
        sha256=hashlib.sha256(picture).digest(),
        body=picture,
    )
    store = on(bare)
    await add(store, 1, "Buy", said=Sighting(originals=(original,)))
    stored = await bare.read(lambda c: c.execute(select(BLOBS.c.body)).scalar_one())
    assert b"picture" not in stored
    assert await store.originals("acme", "cap_1", {OriginalKind.SCREENSHOT}) == (original,)
    assert len([line async for line in check_service(sealed(bare, SCHEMA), Path(), "", [])]) == 1
    await destroy_keys(bare, SCHEMA, "acme", NOW)
    assert [line async for line in erase_tenant(bare, Path(), "", "acme", NOW)]
    assert await bare.read(lambda c: c.execute(select(BLOBS)).all()) == []
    assert await store.originals("acme", "cap_1", {OriginalKind.SCREENSHOT}) == ()
