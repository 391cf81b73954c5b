"""What a credential can do to others: nothing that it makes exceeds or outlasts it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from systemzero_base.internal.identity import Principal
from systemzero_core.errors import FailedPrecondition, InvalidInput, PermissionDenied
from systemzero_gateway.access.caller import Caller
from systemzero_gateway.access.policy import ALL, PLATFORM_TENANT, Role
from systemzero_gateway.access.quotas import NO_QUOTAS
from systemzero_gateway.credentials.certificates import both
from systemzero_gateway.credentials.keys import DEFAULT_TENANT
from tests.support.house import ADMIN, PLATFORM, SECOND, House


async def admin_key(house: House, expire_in: int | None = None) -> tuple[str, Caller]:
    """The id of a new admin key and whoever holds it."""
    end = None if expire_in is None else house.microseconds() + expire_in * SECOND
    key, secret = await house.keys.create(ADMIN, "an admin", Role.ADMIN, (), end)
    return key.key_id, await house.knock(secret.reveal())


async def by_token(house: House, caller: Caller, *scopes: str) -> Caller:
    token, _ = await house.tokens.issue(caller, 60 * SECOND, scopes)
    return await house.knock(token)


async def test_a_key_that_ends_makes_none_that_ends_later_or_never(house: House) -> None:
    _, caller = await admin_key(house, expire_in=4)
    end = house.microseconds() + 4 * SECOND
    for later in (None, end + 1):
        with pytest.raises(InvalidInput) as refused:
            await house.keys.create(caller, "longer", Role.VIEWER, (), later)
        assert [each.field for each in refused.value.violations] == ["api_key.expire_time"]
    _, child = await house.keys.create(caller, "as long", Role.ADMIN, (), end)
    assert await house.works(child.reveal())
    house.now += 4
    assert not await house.works(child.reveal())


async def test_a_secret_in_its_overlap_makes_nothing_that_outlasts_the_overlap(
    house: House,
) -> None:
    key, old = await house.keys.create(ADMIN, "an admin", Role.ADMIN, (), None)
    await house.keys.rotate(ADMIN, key.key_id, 10 * SECOND)
    caller = await house.knock(old.reveal())
    with pytest.raises(InvalidInput):
        await house.keys.create(caller, "longer", Role.ADMIN, (), None)
    with pytest.raises(PermissionDenied):
        await house.keys.rotate(caller, key.key_id, 0)


async def test_a_token_manages_keys_only_where_that_was_asked_for_by_name(house: House) -> None:
    _, caller = await admin_key(house)
    usual = await by_token(house, caller)
    assert usual.permissions == caller.permissions - {"key_manage"}
    scoped = await by_token(house, caller, *sorted(caller.permissions))
    assert "key_manage" in scoped.permissions
    with pytest.raises(InvalidInput):
        await house.keys.create(scoped, "for good", Role.ADMIN, (), None)
    end = scoped.expire_time
    assert (await house.keys.create(scoped, "as long", Role.ADMIN, (), end))[0].expire_time == end


async def test_nobody_rotates_a_key_that_outlasts_their_own(house: House) -> None:
    lasting, _ = await admin_key(house)
    short, caller = await admin_key(house, expire_in=4)
    token = await by_token(house, (await admin_key(house))[1], "key_manage", *ADMIN.permissions)
    for who in (caller, token):
        for overlap in (0, 60 * SECOND):
            with pytest.raises(PermissionDenied, match="works for longer"):
                await house.keys.rotate(who, lasting, overlap)
    _, secret, _ = await house.keys.rotate(caller, short, 0)
    assert await house.works(secret.reveal())
    house.now += 4
    assert not await house.works(secret.reveal())


async def test_what_ends_makes_no_tenant_whose_first_key_would_not(house: House) -> None:
    ends = Caller(Principal(PLATFORM_TENANT, "key_p"), ALL, house.microseconds() + SECOND)
    with pytest.raises(PermissionDenied, match="never ends"):
        await house.tenants.create(ends, "acme", NO_QUOTAS)
    lasting = msgspec.structs.replace(ends, expire_time=None)
    assert (await house.tenants.create(lasting, "acme", NO_QUOTAS))[0].tenant == "acme"


async def test_a_certificate_beside_a_key_ends_the_call_and_not_what_the_key_makes(
    house: House,
) -> None:
    soon = house.microseconds() + SECOND
    workload = Caller(Principal(DEFAULT_TENANT, "spiffe://a/b"), ALL, soon, has_key=False)
    caller = both(workload, ADMIN)
    assert caller is not None
    assert caller.end_time == soon
    key, _ = await house.keys.create(caller, "for good", Role.ADMIN, (), None)
    assert key.expire_time is None
    with pytest.raises(InvalidInput):
        await house.keys.create(workload, "for good", Role.ADMIN, (), None)


async def test_nobody_revokes_a_key_that_may_do_more_or_its_tokens(house: House) -> None:
    admin, caller = await admin_key(house)
    text, claims = await house.tokens.issue(caller, None, ())
    scopes = ("key_manage", "token_issue", "status_read")
    _, secret = await house.keys.create(ADMIN, "keys alone", Role.ADMIN, scopes, None)
    manager = await house.knock(secret.reveal())
    with pytest.raises(PermissionDenied):
        await house.keys.revoke(manager, admin)
    for token, token_id in ((text, ""), ("", claims.jti)):
        with pytest.raises(PermissionDenied):
            await house.tokens.revoke(manager, token, token_id)
    assert await house.works(text)
    narrow, _ = await house.tokens.issue(caller, None, ("status_read",))
    await house.tokens.revoke(manager, narrow, "")
    peer, _ = await house.keys.create(ADMIN, "less", Role.ADMIN, ("status_read",), None)
    assert (await house.keys.revoke(manager, peer.key_id)).revoke_time is not None


async def test_the_admin_key_that_lasts_longest_is_not_revoked(house: House) -> None:
    last, caller = await admin_key(house)
    await admin_key(house, expire_in=100)  # which will be gone one day
    narrow = sorted(ADMIN.permissions - {"status_read", "tenant_manage"})
    await house.keys.create(ADMIN, "narrow", Role.ADMIN, narrow, None)
    gone, _ = await admin_key(house)
    await house.keys.revoke(caller, gone)
    await house.new_key()  # an operator's
    await house.tenants.create(PLATFORM, "acme", NO_QUOTAS)  # whose admin is no help here
    for who in (caller, ADMIN):
        with pytest.raises(FailedPrecondition, match="last"):
            await house.keys.revoke(who, last)
    assert await house.keys.revoke(ADMIN, gone)  # was so before, and stays
    other, _ = await admin_key(house)
    await house.keys.revoke(caller, last)
    with pytest.raises(FailedPrecondition, match="last"):
        await house.keys.revoke(ADMIN, other)


async def test_an_admin_key_that_is_over_is_no_other_and_may_be_revoked(house: House) -> None:
    over, _ = await admin_key(house, expire_in=10)
    last, caller = await admin_key(house, expire_in=20)
    house.now += 10
    with pytest.raises(FailedPrecondition, match="last"):
        await house.keys.revoke(caller, last)
    assert (await house.keys.revoke(caller, over)).revoke_time is not None


async def test_the_last_key_of_the_platform_does_not_revoke_itself(
    house: House, tmp_path: Path
) -> None:
    await house.keys.bootstrap(PLATFORM_TENANT, tmp_path / "platform.key")
    caller = await house.knock((tmp_path / "platform.key").read_text().strip())
    with pytest.raises(FailedPrecondition, match="last"):
        await house.keys.revoke(caller, caller.principal.principal_id)
    await house.keys.create(caller, "another", Role.ADMIN, (), None)
    assert (await house.keys.revoke(caller, caller.principal.principal_id)).revoke_time
