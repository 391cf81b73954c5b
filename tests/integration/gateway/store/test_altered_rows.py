"""Rows of keys, secrets and tenants that somebody wrote into the database beside the gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import Connection, Update, insert, select, update

from systemzero_base.telemetry.logs import LogSettings
from systemzero_core.errors import DataCorrupted, DomainError, FailedPrecondition
from systemzero_gateway.access.policy import PLATFORM_TENANT, Role
from systemzero_gateway.access.quotas import Quotas
from systemzero_gateway.admin.rows import check_rows
from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.keys import DEFAULT_TENANT
from systemzero_gateway.places import PEPPER as PEPPER_FILE
from systemzero_gateway.store import METADATA, SCHEMA_VERSION, Endings, RowMacs, SqlKeyStore
from systemzero_gateway.store.tables import API_KEYS, KEY_SECRETS, REVISION, TENANTS
from tests.support.databases import OpenDatabase
from tests.support.full_disk import largest_file, nobody_may_write
from tests.support.house import ADMIN, PEPPER, SECOND, House
from tests.support.logging import lines_in, logging_as

FAR = 10**17


class Altered:
    """A house with an admin and a viewer, who writes into the database."""

    def __init__(self, house: House) -> None:
        self.house = house

    async def open(self) -> None:
        house = self.house
        await house.open()
        await house.store.add_tenant("another", 0)
        await house.store.add_tenant(PLATFORM_TENANT, 0)
        self.admin, self.admins = await self._key(Role.ADMIN)
        self.viewer, self.secret = await self._key(Role.VIEWER, house.microseconds() + 60 * SECOND)

    async def _key(self, role: Role, expire: int | None = None) -> tuple[str, str]:
        scopes = ("event_read", "token_issue") if role == Role.VIEWER else ()
        key, secret = await self.house.keys.create(ADMIN, "a", role, scopes, expire)
        return key.key_id, secret.reveal()

    def digest(self, secret: str) -> bytes:
        return apikey.digest(PEPPER, secret)

    async def run(self, *statements: Any) -> None:
        """Write as a database administrator does, so that every gateway looks up again."""

        def job(connection: Connection) -> None:
            for statement in statements:
                connection.execute(statement)
            number = connection.execute(select(REVISION.c.number)).scalar_one() + 1
            connection.execute(update(REVISION).values(number=number))
            connection.execute(update(TENANTS).values(revision=number))

        await self.house.database.write(job)
        self.house.now += 1

    async def row(self, table: Any, column: Any, value: Any) -> dict[str, Any]:
        query = select(table).where(column == value)
        found = await self.house.database.read(lambda c: c.execute(query).mappings().one())
        return dict(found)

    def of_viewer(self, **values: Any) -> Update:
        return update(API_KEYS).where(API_KEYS.c.key_id == self.viewer).values(values)

    def of_secret(self, **values: Any) -> Update:
        return update(KEY_SECRETS).where(KEY_SECRETS.c.key_id == self.viewer).values(values)


@pytest.fixture
async def altered(open_database: OpenDatabase) -> AsyncIterator[Altered]:
    database = open_database(METADATA, SCHEMA_VERSION)
    here = Altered(House(database))
    await here.open()
    yield here
    await database.close()


async def test_a_key_that_was_revoked_is_not_brought_back_by_its_row_of_before(
    altered: Altered,
) -> None:
    house = altered.house
    token, _ = await house.tokens.issue(await house.knock(altered.secret), None, ())
    before = await altered.row(API_KEYS, API_KEYS.c.key_id, altered.viewer)
    await house.keys.revoke(ADMIN, altered.viewer)
    await altered.run(altered.of_viewer(**before))
    assert not await house.works(altered.secret)
    assert not await house.works(token)
    with pytest.raises(DataCorrupted):
        await house.keys.rotate(ADMIN, altered.viewer, 0)
    assert await house.works(altered.admins)


async def test_a_secret_that_was_rotated_away_is_not_brought_back_by_its_row_of_before(
    altered: Altered,
) -> None:
    house = altered.house
    before = await altered.row(KEY_SECRETS, KEY_SECRETS.c.key_id, altered.viewer)
    _, new, _ = await house.keys.rotate(ADMIN, altered.viewer, 0)
    own = KEY_SECRETS.c.digest == before["digest"]
    await altered.run(update(KEY_SECRETS).where(own).values(before))
    assert not await house.works(altered.secret)
    assert await house.works(new.reveal())


async def test_another_gateway_learns_what_ended_and_a_later_start_knows_it(
    altered: Altered, tmp_path: Path
) -> None:
    house, file = altered.house, tmp_path / "ended"
    before = await altered.row(API_KEYS, API_KEYS.c.key_id, altered.viewer)
    await house.keys.revoke(ADMIN, altered.viewer)
    elsewhere = SqlKeyStore(house.database, RowMacs(PEPPER, Endings(PEPPER, file)))
    await elsewhere.changes(-1)
    await altered.run(altered.of_viewer(**before))
    for endings, believed in ((Endings(PEPPER, file), False), (None, True)):
        store = SqlKeyStore(house.database, RowMacs(PEPPER, endings))
        found = await store.find_secret(altered.digest(altered.secret))
        assert (found is not None) is believed
    assert altered.viewer.encode() not in file.read_bytes()


def test_a_list_of_what_ended_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ended"
    Endings(PEPPER, file).note("api_keys", b"a", 1)
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(FailedPrecondition, match="restore it from a backup"):
        Endings(PEPPER, file)


def test_what_ended_while_the_disk_was_full_is_kept_once_it_is_not(tmp_path: Path) -> None:
    file = tmp_path / "ended"
    file.write_bytes(bytes(24) * 20_000)  # larger than whatever else this process writes meanwhile
    endings = Endings(PEPPER, file)
    endings.note("api_keys", b"before", 1)
    with largest_file(file.stat().st_size + 8):  # room for a part of an entry
        endings.note("api_keys", b"meanwhile", 2)
    assert not endings.allows("api_keys", b"meanwhile", None)
    assert Endings(PEPPER, file).allows("api_keys", b"meanwhile", None)  # whole, if without it
    endings.note("api_keys", b"after", 3)
    again = Endings(PEPPER, file)
    for name in (b"before", b"meanwhile", b"after"):
        assert not again.allows("api_keys", name, None)


async def test_a_list_of_what_ended_is_looked_at_where_nobody_may_write(
    altered: Altered, tmp_path: Path
) -> None:
    (tmp_path / PEPPER_FILE).write_bytes(PEPPER)
    (tmp_path / PEPPER_FILE).chmod(0o600)
    with nobody_may_write(tmp_path / "ended", 24):
        assert [line async for line in check_rows(altered.house.database, tmp_path)]


OF_KEY: dict[str, dict[str, Any]] = {
    "role": {"role": "admin"},
    "unknown role": {"role": "boss"},
    "scopes": {"scopes": ""},
    "tenant": {"tenant": "another"},
    "platform": {"tenant": PLATFORM_TENANT},
    "expiry": {"expire_time": None},
    "later expiry": {"expire_time": FAR},
    "name": {"name": "b"},
    "MAC": {"mac": bytes(32)},
    "empty MAC": {"mac": b""},
}


@pytest.mark.parametrize("values", OF_KEY.values(), ids=OF_KEY.keys())
async def test_a_key_that_was_altered_lets_nobody_in(
    altered: Altered, values: dict[str, Any]
) -> None:
    house = altered.house
    token, _ = await house.tokens.issue(await house.knock(altered.secret), None, ())
    assert await house.works(token)
    await altered.run(altered.of_viewer(**values))
    assert not await house.works(altered.secret)
    assert not await house.works(token)
    assert await house.works(altered.admins)


async def test_a_secret_that_was_moved_to_another_key_lets_nobody_in(altered: Altered) -> None:
    await altered.run(altered.of_secret(key_id=altered.admin))
    assert not await altered.house.works(altered.secret)
    assert await altered.house.works(altered.admins)


async def test_a_digest_that_was_put_into_anothers_row_lets_nobody_in(altered: Altered) -> None:
    own = await altered.row(KEY_SECRETS, KEY_SECRETS.c.key_id, altered.viewer)
    with_own_mac = {**own, "key_id": altered.admin}
    await altered.run(
        KEY_SECRETS.delete().where(KEY_SECRETS.c.key_id == altered.viewer),
        insert(KEY_SECRETS).values(with_own_mac),
    )
    assert not await altered.house.works(altered.secret)
    await altered.run(
        KEY_SECRETS.delete().where(KEY_SECRETS.c.digest == own["digest"]),
        update(KEY_SECRETS)
        .where(KEY_SECRETS.c.key_id == altered.admin)
        .values(digest=own["digest"]),
    )
    assert not await altered.house.works(altered.secret)


async def test_a_whole_row_of_another_key_under_ones_own_id_lets_nobody_in(
    altered: Altered,
) -> None:
    admins = await altered.row(API_KEYS, API_KEYS.c.key_id, altered.admin)
    await altered.run(altered.of_viewer(**{**admins, "key_id": altered.viewer}))
    assert not await altered.house.works(altered.secret)


async def test_a_secrets_expiry_is_not_put_off(altered: Altered) -> None:
    house = altered.house
    await house.keys.rotate(ADMIN, altered.viewer, 5 * SECOND)
    end = house.microseconds() + 50 * SECOND
    old = KEY_SECRETS.c.digest == altered.digest(altered.secret)
    assert await house.works(altered.secret)
    await altered.run(update(KEY_SECRETS).where(old).values(expire_time=end))
    assert not await house.works(altered.secret)


async def test_a_revocation_is_not_taken_back_by_taking_its_time_away(altered: Altered) -> None:
    house = altered.house
    await house.keys.revoke(ADMIN, altered.viewer)
    await altered.run(altered.of_viewer(revoke_time=None))
    assert not await house.works(altered.secret)


async def test_a_tenant_is_not_resumed_nor_given_more_in_the_database(altered: Altered) -> None:
    house = altered.house
    await house.tenants.set_quotas(DEFAULT_TENANT, Quotas(per_minute=90, burst=50, events=7))
    assert await house.works(altered.secret)
    own = TENANTS.c.tenant == DEFAULT_TENANT
    await altered.run(update(TENANTS).where(own).values(quota_events=None))
    assert not await house.works(altered.secret)
    await altered.run(update(TENANTS).where(own).values(quota_events=7))
    assert await house.works(altered.secret)
    await house.tenants.suspend(DEFAULT_TENANT)
    await altered.run(update(TENANTS).where(own).values(suspend_time=None))
    assert not await house.works(altered.secret)


async def test_what_was_altered_is_not_made_good_by_a_change(altered: Altered) -> None:
    house = altered.house
    mine = apikey.new_secret()
    row = {"digest": altered.digest(mine), "key_id": altered.admin, "create_time": 1}
    await altered.run(
        insert(KEY_SECRETS).values({**row, "mac": bytes(32)}), altered.of_viewer(role="admin")
    )
    _, new, _ = await house.keys.rotate(ADMIN, altered.admin, 50 * SECOND)
    house.now += 1
    assert await house.works(new.reveal())
    assert await house.works(altered.admins)
    assert not await house.works(mine)
    for change in (
        house.keys.rotate(ADMIN, altered.viewer, 0),
        house.keys.revoke(ADMIN, altered.viewer),
    ):
        with pytest.raises(DataCorrupted, match=altered.viewer):
            await change
    own = TENANTS.c.tenant == DEFAULT_TENANT
    await altered.run(update(TENANTS).where(own).values(quota_events=1))
    for rewrite in (
        house.tenants.set_quotas(DEFAULT_TENANT, Quotas()),
        house.tenants.suspend(DEFAULT_TENANT),
        house.tenants.resume(DEFAULT_TENANT),
    ):
        with pytest.raises(DataCorrupted, match=DEFAULT_TENANT):
            await rewrite


async def test_an_altered_admin_does_not_count_as_the_one_that_is_left(altered: Altered) -> None:
    house = altered.house
    await altered.run(altered.of_viewer(role="admin", scopes="", expire_time=None))
    with pytest.raises(DomainError, match="last admin key"):
        await house.keys.revoke(ADMIN, altered.admin)


async def test_every_change_of_the_gateways_own_leaves_credentials_good(altered: Altered) -> None:
    house = altered.house
    assert await house.works(altered.secret)
    await house.uses.flush()
    await house.tenants.set_quotas(DEFAULT_TENANT, Quotas(per_minute=90, burst=50, events=7))
    await house.tenants.suspend(DEFAULT_TENANT)
    house.now += 1
    assert not await house.works(altered.secret)
    await house.tenants.resume(DEFAULT_TENANT)
    _, new, _ = await house.keys.rotate(ADMIN, altered.viewer, 20 * SECOND)
    house.now += 1
    for secret in (altered.secret, new.reveal(), altered.admins):
        assert await house.works(secret)
    await house.keys.revoke(ADMIN, altered.viewer)
    await house.keys.revoke(ADMIN, altered.viewer)
    house.now += 1
    assert not await house.works(new.reveal())


async def test_an_altered_row_is_told_in_the_log_and_counted(
    altered: Altered, tmp_path: Path
) -> None:
    def count() -> float:
        name = "systemzero_gateway_altered_rows_total"
        return REGISTRY.get_sample_value(name, {"table": "api_keys"}) or 0.0

    before = count()
    await altered.run(altered.of_viewer(role="admin"))
    with logging_as(LogSettings(output=str(tmp_path / "log"))):
        assert not await altered.house.works(altered.secret)
        found = lines_in(tmp_path / "log")
    (line,) = [line for line in found if line["event"] == "a row was altered in the database"]
    assert (line["level"], line["table"], line["id"]) == ("error", "api_keys", altered.viewer)
    assert count() == before + 1
