"""When credentials stop working, by a clock of the test's own, on a real store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from systemzero_base.internal.identity import Principal
from systemzero_base.secrets import write_private
from systemzero_core.errors import (
    FailedPrecondition,
    InvalidInput,
    PermissionDenied,
    Unavailable,
)
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import (
    ALL,
    PLATFORM_PERMISSIONS,
    PLATFORM_TENANT,
    Role,
    permissions_of,
)
from systemzero_gateway.access.quotas import NO_QUOTAS, Quotas
from systemzero_gateway.credentials import apikey, authenticate
from systemzero_gateway.credentials.firstkey import prepare
from systemzero_gateway.credentials.keys import DEFAULT_TENANT, load_or_create_pepper
from systemzero_gateway.store.protocol import Changes
from systemzero_gateway.store.tables import REVISION, REVOKED_TOKENS, TENANTS
from tests.support.house import ADMIN, PEPPER, PLATFORM, SECOND, House
from tests.support.patience import PATIENCE


async def test_a_caller_is_the_keys_tenant_and_id_with_the_roles_permissions(house: House) -> None:
    key_id, secret = await house.new_key()
    caller = await house.knock(secret)
    assert caller.principal == Principal(DEFAULT_TENANT, key_id)
    assert "capture_write" in caller.permissions
    assert "key_manage" not in caller.permissions
    assert not caller.by_token


async def test_a_key_ends_at_its_expiry_also_when_it_was_seen_a_moment_before(
    house: House,
) -> None:
    _, secret = await house.new_key(expire_in=10)
    house.now += 9.9
    assert await house.works(secret)
    house.now += 0.1
    assert not await house.works(secret)


async def test_a_token_ends_at_its_own_expiry_and_with_its_key(house: House) -> None:
    key_id, _ = await house.new_key(expire_in=100)
    token, _ = house.issuer.issue(key_id, DEFAULT_TENANT, "operator", ["capture_write"], 50)
    longer, _ = house.issuer.issue(key_id, DEFAULT_TENANT, "operator", ["capture_write"], 500)
    caller = await house.knock(token)
    assert caller.by_token
    assert caller.permissions == {"capture_write"}
    assert await house.works(longer)
    house.now += 50
    assert not await house.works(token)
    assert await house.works(longer)
    house.now += 50
    assert not await house.works(longer)


async def test_a_token_never_says_more_than_its_key(house: House) -> None:
    key_id, _ = await house.new_key()
    token, _ = house.issuer.issue(key_id, DEFAULT_TENANT, "admin", sorted(ALL), 50)
    assert "key_manage" not in (await house.knock(token)).permissions
    foreign, _ = house.issuer.issue(key_id, "another", "admin", sorted(ALL), 50)
    assert not await house.works(foreign)
    orphan, _ = house.issuer.issue("key_nobody", DEFAULT_TENANT, "admin", sorted(ALL), 50)
    assert not await house.works(orphan)


async def test_a_revocation_elsewhere_is_seen_within_half_a_second(house: House) -> None:
    key_id, secret = await house.new_key()
    token, _ = house.issuer.issue(key_id, DEFAULT_TENANT, "operator", ["capture_write"], 50)
    assert await house.works(secret)
    assert await house.works(token)
    await house.store.revoke_key(DEFAULT_TENANT, key_id, house.microseconds())
    house.now += 0.5
    assert not await house.works(secret)
    assert not await house.works(token)


async def test_a_suspended_tenant_has_no_callers(house: House) -> None:
    _, secret = await house.new_key()
    suspend = update(TENANTS).values(suspend_time=1)
    await house.database.write(lambda connection: connection.execute(suspend).rowcount)
    assert not await house.works(secret)


async def test_a_rotated_secret_ends_with_its_overlap_and_no_rotation_prolongs_it(
    house: House,
) -> None:
    key_id, old = await house.new_key()
    _, new, end = await house.keys.rotate(ADMIN, key_id, 10 * SECOND)
    assert end == house.microseconds() + 10 * SECOND
    await house.keys.rotate(ADMIN, key_id, 100 * SECOND)
    house.now += 9
    assert await house.works(old)
    house.now += 1
    assert not await house.works(old)
    assert await house.works(new.reveal())


async def test_a_revoked_key_is_not_rotated_back_to_life(house: House) -> None:
    key_id, _ = await house.new_key()
    await house.keys.revoke(ADMIN, key_id)
    with pytest.raises(FailedPrecondition):
        await house.keys.rotate(ADMIN, key_id, 0)
    for overlap in (-1, 31 * 24 * 3600 * SECOND):
        with pytest.raises(InvalidInput):
            await house.keys.rotate(ADMIN, key_id, overlap)


async def test_a_store_that_does_not_answer_denies_even_who_is_known(house: House) -> None:
    _, secret = await house.new_key()
    assert await house.works(secret)
    await house.database.close()
    assert await house.works(secret)  # for what is left of the half second
    house.now += 0.5
    with pytest.raises(Unavailable):
        await house.knock(secret)


async def test_the_first_start_survives_a_crash_between_file_and_store(
    house: House, tmp_path: Path
) -> None:
    file = tmp_path / "admin.key"
    secret = apikey.new_secret()
    file.touch(0o600)
    file.write_text(secret + "\n")
    await house.keys.bootstrap(DEFAULT_TENANT, file)
    caller = await house.knock(secret)
    assert caller.permissions == permissions_of(DEFAULT_TENANT, Role.ADMIN)
    file.unlink()
    await house.keys.bootstrap(DEFAULT_TENANT, file)
    assert not file.exists()


@pytest.mark.parametrize(
    ("mode", "text"),
    [(0o644, apikey.new_secret()), (0o600, "nonsense")],
    ids=["open to others", "no key"],  # the key differs each time
)
async def test_an_admin_key_file_that_is_none_is_not_taken(
    house: House, tmp_path: Path, mode: int, text: str
) -> None:
    file = tmp_path / "admin.key"
    file.touch(mode)
    file.write_text(text)
    file.chmod(mode)
    with pytest.raises(FailedPrecondition):
        await house.keys.bootstrap(DEFAULT_TENANT, file)
    assert not await house.store.has_keys(DEFAULT_TENANT)


async def test_a_first_key_that_was_made_beforehand_works_where_only_its_digest_is(
    house: House, tmp_path: Path
) -> None:
    file, apart = tmp_path / "gateway" / "admin.key", tmp_path / "apart" / "admin.key"
    prepare(DEFAULT_TENANT, file, apart, PEPPER)
    await house.keys.bootstrap(DEFAULT_TENANT, file)
    assert await house.works(apart.read_text().strip())
    assert [path.name for path in file.parent.iterdir()] == ["admin.digest"]


async def test_a_digest_file_that_is_none_is_not_taken(house: House, tmp_path: Path) -> None:
    write_private(tmp_path / "admin.digest", b"abc\n")
    with pytest.raises(FailedPrecondition, match="holds no digest"):
        await house.keys.bootstrap(DEFAULT_TENANT, tmp_path / "admin.key")
    assert not await house.store.has_keys(DEFAULT_TENANT)


async def test_each_tenant_has_a_first_admin_key_of_its_own_kind(
    house: House, tmp_path: Path
) -> None:
    for tenant in (DEFAULT_TENANT, PLATFORM_TENANT):
        await house.keys.bootstrap(tenant, tmp_path / tenant)
    platform = (tmp_path / PLATFORM_TENANT).read_text().strip()
    assert platform.startswith("s0_platform_")
    caller = await house.knock(platform)
    assert caller.principal.tenant == PLATFORM_TENANT
    assert caller.permissions == PLATFORM_PERMISSIONS
    assert (tmp_path / DEFAULT_TENANT).read_text().startswith("s0_live_")


async def test_the_last_use_is_noted_in_batches_and_changes_nothing_else(house: House) -> None:
    key_id, secret = await house.new_key()
    await house.knock(secret)
    used = house.microseconds()
    house.now += 30
    before = await house.store.changes(0)
    assert (await house.store.get_key(DEFAULT_TENANT, key_id)).last_use_time is None
    await house.uses.flush()
    assert (await house.store.get_key(DEFAULT_TENANT, key_id)).last_use_time == used
    await house.store.note_uses({key_id: used - 1, "key_nobody": used})
    assert (await house.store.get_key(DEFAULT_TENANT, key_id)).last_use_time == used
    assert await house.store.changes(0) == before


async def test_the_use_of_a_token_is_a_use_of_its_key_and_listings_have_it(house: House) -> None:
    key_id, _ = await house.new_key()
    token, _ = house.issuer.issue(key_id, DEFAULT_TENANT, "operator", ["capture_write"], 50)
    await house.knock(token)
    house.now += 1
    await house.knock(token)  # from memory
    keys, _ = await house.keys.page(ADMIN, 0, "")
    assert [key.last_use_time for key in keys] == [house.microseconds()]


async def test_uses_that_could_not_be_written_are_kept(house: House) -> None:
    _, secret = await house.new_key()
    await house.knock(secret)
    await house.database.close()
    for _ in range(2):
        with pytest.raises(Unavailable):
            await house.uses.flush()


def test_the_pepper_is_made_once_and_must_be_private(tmp_path: Path) -> None:
    file = tmp_path / "pepper.key"
    pepper = load_or_create_pepper(file)
    assert len(pepper) == 32
    assert load_or_create_pepper(file) == pepper
    file.chmod(0o640)
    with pytest.raises(FailedPrecondition):
        load_or_create_pepper(file)
    file.chmod(0o600)
    file.write_bytes(b"short")
    with pytest.raises(FailedPrecondition):
        load_or_create_pepper(file)


async def test_a_revoked_token_ends_everywhere_and_its_key_does_not(house: House) -> None:
    key_id, secret = await house.new_key()
    caller = await house.knock(secret)
    token, _ = await house.tokens.issue(caller, None, ())
    other, claims = await house.tokens.issue(caller, None, ())
    assert await house.works(token)
    assert await house.works(other)
    await house.tokens.revoke(caller, token, "")
    house.now += 0.5  # as another gateway would see it
    assert not await house.works(token)
    assert await house.works(other)
    await house.tokens.revoke(ADMIN, "", claims.jti)
    house.now += 0.5
    assert not await house.works(other)
    assert await house.works(secret)
    assert claims.sub == key_id


async def test_a_revocation_is_kept_until_the_token_is_over_on_every_clock(house: House) -> None:
    _, secret = await house.new_key()
    caller = await house.knock(secret)
    token, claims = await house.tokens.issue(caller, 60 * SECOND, ())
    await house.tokens.revoke(caller, token, "")
    house.now = claims.exp + 4.9  # elsewhere a clock may be five seconds behind
    await house.tokens.forget()
    house.now = claims.exp - 0.1
    assert not await house.works(token)
    house.now = claims.exp + 3 * 86_400
    newer, _ = await house.tokens.issue(caller, 60 * SECOND, ())
    await house.tokens.revoke(caller, newer, "")
    before = await house.store.changes(0)
    await house.restarted_tokens().forget()
    query = select(func.count()).select_from(REVOKED_TOKENS)
    assert await house.database.read(lambda connection: connection.execute(query).scalar()) == 1
    assert await house.store.changes(0) == before
    assert not await house.works(newer)


@pytest.mark.parametrize("ahead", [7_200, 7 * 86_400, 365 * 86_400])
async def test_a_revocation_outlasts_a_start_whose_clock_is_ahead(house: House, ahead: int) -> None:
    _, secret = await house.new_key()
    caller = await house.knock(secret)
    token, _ = await house.tokens.issue(caller, 60 * SECOND, ())
    await house.tokens.revoke(caller, token, "")
    house.now += ahead
    await house.restarted_tokens().forget()
    house.now -= ahead
    await house.restarted_tokens().forget()
    assert not await house.works(token)


async def test_a_revocation_outlasts_a_clock_that_leaps_ahead_and_is_set_back(house: House) -> None:
    _, secret = await house.new_key()
    caller = await house.knock(secret)
    token, _ = await house.tokens.issue(caller, 60 * SECOND, ())
    await house.tokens.revoke(caller, token, "")
    for leap in (365 * 86_400, -365 * 86_400):
        house.now += leap
        await house.tokens.forget()
    assert not await house.works(token)


async def test_nobody_revokes_the_token_of_another_key_without_managing_keys(
    house: House,
) -> None:
    one, other = [await house.knock((await house.new_key())[1]) for _ in range(2)]
    token, claims = await house.tokens.issue(one, None, ())
    with pytest.raises(PermissionDenied):
        await house.tokens.revoke(other, token, "")
    with pytest.raises(PermissionDenied):
        await house.tokens.revoke(one, "", claims.jti)
    assert await house.works(token)
    await house.tokens.revoke(ADMIN, token, "")
    house.now += 0.5
    assert not await house.works(token)


async def test_a_token_is_introspected_as_it_works_now(house: House) -> None:
    key_id, secret = await house.new_key()
    caller = await house.knock(secret)
    token, claims = await house.tokens.issue(caller, 60 * SECOND, ("capture_write", "key_manage"))
    assert await house.tokens.introspect(ADMIN, token) == (claims, frozenset({"capture_write"}))
    house.now = claims.exp - 0.001
    assert await house.tokens.introspect(ADMIN, token)
    house.now = claims.exp
    assert await house.tokens.introspect(ADMIN, token) is None
    assert claims.sub == key_id


@pytest.mark.parametrize("cause", ["revoked", "key revoked", "foreign", "forged", "suspended"])
async def test_a_token_that_does_not_work_is_not_active_and_no_more_is_said(
    house: House, cause: str
) -> None:
    key_id, secret = await house.new_key()
    token, claims = await house.tokens.issue(await house.knock(secret), None, ())
    assert await house.tokens.introspect(ADMIN, token)
    asking = ADMIN
    if cause == "revoked":
        await house.tokens.revoke(ADMIN, "", claims.jti)
    elif cause == "key revoked":
        await house.keys.revoke(ADMIN, key_id)
    elif cause == "foreign":
        asking = Caller(Principal("another", "key_x"), ALL, None)
    elif cause == "suspended":
        suspend = update(TENANTS).values(suspend_time=1)
        await house.database.write(lambda connection: connection.execute(suspend).rowcount)
    else:
        token = token[:-4] + "AAAA"
    assert await house.tokens.introspect(asking, token) is None


async def test_another_tenant_revokes_nothing_and_is_told_nothing(house: House) -> None:
    _, secret = await house.new_key()
    token, claims = await house.tokens.issue(await house.knock(secret), None, ())
    await house.store.add_tenant("another", 0)
    stranger = Caller(Principal("another", "key_x"), ALL, None)
    for text, token_id in ((token, ""), ("", claims.jti), ("no token", "")):
        await house.tokens.revoke(stranger, text, token_id)
    house.now += 0.5
    assert await house.works(token)


@pytest.mark.parametrize(
    ("token", "token_id"), [("", ""), ("a", "tok_b"), ("", "key_1"), ("", "tok_" + "g" * 32)]
)
async def test_what_to_revoke_is_named_once_and_rightly(
    house: House, token: str, token_id: str
) -> None:
    with pytest.raises(InvalidInput):
        await house.tokens.revoke(ADMIN, token, token_id)


async def test_what_one_tenant_does_costs_the_others_nothing(house: House) -> None:
    _, secret = await house.new_key()
    _, _, of_acme = await house.tenants.create(PLATFORM, "acme", NO_QUOTAS)
    headers = [f"Bearer {value}" for value in (secret, of_acme.reveal())]
    for header in headers:
        await house.authenticator.known(header)
        await house.authenticator.authenticate(header)
    await house.tenants.set_quotas("acme", Quotas(burst=70))
    house.now += 0.5
    ours, theirs = [await house.authenticator.known(header) for header in headers]
    assert ours is not None
    assert theirs is None


async def test_after_a_backup_was_put_back_nothing_that_was_seen_counts(house: House) -> None:
    _, secret = await house.new_key()
    assert await house.works(secret)
    before = update(REVISION).values(number=0)
    await house.database.write(lambda connection: connection.execute(before).rowcount)
    house.now += 0.5
    assert await house.authenticator.known(f"Bearer {secret}") is None
    assert await house.works(secret)


async def test_all_who_wait_for_a_store_that_hangs_are_denied_at_once_and_let_in_when_it_answers(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, secret = await house.new_key()
    assert await house.works(secret)
    answers, asked, changes = asyncio.Event(), 0, house.store.changes

    async def hanging(known: int) -> Changes:
        nonlocal asked
        asked += 1
        await answers.wait()
        return await changes(known)

    monkeypatch.setattr(authenticate, "PATIENCE", 0.05)
    monkeypatch.setattr(house.store, "changes", hanging)
    house.now += authenticate.REVALIDATE
    outcomes = await asyncio.gather(
        *(house.knock(secret) for _ in range(20)), return_exceptions=True
    )
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert asked == 1
    answers.set()
    monkeypatch.setattr(authenticate, "PATIENCE", PATIENCE)
    assert await house.works(secret)


async def test_spellings_of_one_credential_are_one_and_evict_nobody(house: House) -> None:
    _, quiet = await house.new_key()
    _, secret = await house.new_key()
    await house.knock(quiet)
    await house.authenticator.authenticate(f"Bearer {secret}")
    for spelling in (f"bEARER {secret}", f"BEARER   {secret}", f"Bearer {secret}  "):
        assert await house.authenticator.known(spelling) is not None
    assert await house.authenticator.known(f"Bearer {quiet}") is not None
