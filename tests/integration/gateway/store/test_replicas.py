"""Two gateways over one database, of either kind: what one does, the other sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from systemzero_core.errors import FailedPrecondition
from systemzero_gateway.access.policy import Role
from systemzero_gateway.access.quotas import Quotas
from systemzero_gateway.credentials.keys import DEFAULT_TENANT
from systemzero_gateway.store import METADATA, SCHEMA_VERSION
from systemzero_storage.database import Database, open_sqlite
from systemzero_storage.postgres.database import open_postgres
from tests.support.databases import DATABASES
from tests.support.house import ADMIN, PLATFORM, House
from tests.support.postgres import SETTINGS, Server

HOUR = 3_600


@pytest.fixture(params=DATABASES)
async def houses(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[tuple[House, House]]:
    databases: list[Database] = []
    if request.param == "sqlite":
        file = tmp_path / "store.db"
        databases += [open_sqlite(file, METADATA, SCHEMA_VERSION) for _ in range(2)]
    else:
        server: Server = request.getfixturevalue("postgres")
        schema = server.provision(METADATA, SCHEMA_VERSION)
        url, version = server.url, SCHEMA_VERSION
        databases += [open_postgres(url, schema, version, SETTINGS) for _ in range(2)]
    one, other = map(House, databases)
    await asyncio.gather(one.open(), other.open())
    yield one, other
    for database in databases:
        await database.close()


def kids(house: House) -> list[str]:
    return [key.kid for key in house.signing.published()]


async def test_they_begin_together_and_rotate_to_the_same_key(
    houses: tuple[House, House], tmp_path: Path
) -> None:
    file = tmp_path / "admin.key"
    await asyncio.gather(*(house.keys.bootstrap(DEFAULT_TENANT, file) for house in houses))
    secret = file.read_text().strip()
    for count in (1, 2):
        await asyncio.gather(*(house.signing.rotate() for house in houses))
        await asyncio.gather(*(house.signing.load() for house in houses))
        assert len(kids(houses[0])) == count
        assert kids(houses[0]) == kids(houses[1])
        for house in houses:
            assert await house.works(secret)
            house.now += 22 * HOUR
    assert len(await houses[0].store.list_keys(DEFAULT_TENANT, "", 10)) == 1


async def test_what_ends_at_one_ends_at_the_other_with_its_next_look(
    houses: tuple[House, House],
) -> None:
    one, other = houses
    _, acme, acme_secret = await one.tenants.create(PLATFORM, "acme", Quotas(burst=50))
    key_id, secret = await one.new_key()
    caller = await one.knock(secret)
    token, claims = await one.tokens.issue(caller, None, ())
    credentials = {"token": token, "key": secret, "tenant": acme_secret.reveal()}
    for credential in credentials.values():
        assert await other.works(credential)
    assert (await other.knock(acme_secret.reveal())).quotas == Quotas(burst=50)
    await one.tokens.revoke(ADMIN, "", claims.jti)
    other.now += 0.5
    assert [await other.works(value) for value in credentials.values()] == [False, True, True]
    await one.keys.revoke(ADMIN, key_id)
    other.now += 0.5
    assert [await other.works(value) for value in credentials.values()] == [False, False, True]
    await one.tenants.suspend(acme.tenant)
    other.now += 0.5
    assert not await other.works(acme_secret.reveal())
    await one.tenants.resume(acme.tenant)
    other.now += 0.5
    assert await other.works(acme_secret.reveal())


async def test_uses_are_noted_from_both_and_the_later_counts(houses: tuple[House, House]) -> None:
    one, other = houses
    key_id, secret = await one.new_key()
    await other.knock(secret)
    other_used = other.microseconds()
    one.now -= 10
    await one.knock(secret)
    await asyncio.gather(one.uses.flush(), other.uses.flush())
    assert (await one.store.get_key(DEFAULT_TENANT, key_id)).last_use_time == other_used


async def test_of_two_admins_who_revoke_each_other_at_once_one_is_left(
    houses: tuple[House, House],
) -> None:
    made = [await house.keys.create(ADMIN, "an", Role.ADMIN, (), None) for house in houses]
    ids = [key.key_id for key, _ in made]
    callers = [
        await house.knock(secret.reveal()) for house, (_, secret) in zip(houses, made, strict=True)
    ]
    results = await asyncio.gather(
        houses[0].keys.revoke(callers[0], ids[1]),
        houses[1].keys.revoke(callers[1], ids[0]),
        return_exceptions=True,
    )
    assert [type(each) for each in results].count(FailedPrecondition) == 1
    kept = await houses[0].store.list_keys(DEFAULT_TENANT, "", 10)
    assert [key.revoke_time is None for key in kept].count(True) == 1
