"""Tenants: made and bounded from the platform's own, and nothing to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero.gateway.v1 import auth_service_pb2_grpc, tenant_service_pb2_grpc
from systemzero.gateway.v1 import tenant_service_pb2 as pb
from systemzero_core.errors import AlreadyExists, InvalidInput
from systemzero_gateway.access.quotas import Quotas
from tests.support.gateway import World, refused, world
from tests.support.house import PLATFORM, House
from tests.support.patience import PATIENCE

StatusCode = grpc.StatusCode


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, local=True) as running:
        yield running


def auth(here: World) -> Any:
    return auth_service_pb2_grpc.AuthServiceStub(here.channel)


def tenants(here: World) -> Any:
    return tenant_service_pb2_grpc.TenantServiceStub(here.channel)


def platform(here: World) -> tuple[tuple[str, str], ...]:
    return here.bearer(here.app.platform_key_file.read_text().strip())


async def made(here: World, tenant_id: str, **quotas: Any) -> pb.CreateTenantResponse:
    request = pb.CreateTenantRequest(tenant_id=tenant_id, quotas=pb.Quotas(**quotas))
    response: pb.CreateTenantResponse = await tenants(here).CreateTenant(
        request, metadata=platform(here)
    )
    return response


async def test_a_tenant_begins_with_an_admin_key(here: World) -> None:
    acme = await made(here, "acme", burst=500)
    assert acme.tenant.tenant_id == "acme"
    assert (acme.tenant.quotas.burst, acme.tenant.quotas.HasField("per_minute")) == (500, False)
    assert (acme.api_key.role, acme.api_key.kind) == (auth_pb.ROLE_ADMIN, auth_pb.KEY_KIND_LIVE)
    who = await here.call("Unary", b"who", here.bearer(acme.secret))
    assert who == f"acme {acme.api_key.key_id}".encode()
    key = auth_pb.ApiKey(name="of acme", role=auth_pb.ROLE_ADMIN)
    request = auth_pb.CreateApiKeyRequest(api_key=key)
    assert (await auth(here).CreateApiKey(request, metadata=here.bearer(acme.secret))).secret


async def test_only_the_platforms_own_tenant_manages_tenants_and_it_does_nothing_else(
    here: World,
) -> None:
    requests = {
        "CreateTenant": pb.CreateTenantRequest(tenant_id="acme"),
        "UpdateTenantQuotas": pb.UpdateTenantQuotasRequest(tenant_id="default"),
        "SuspendTenant": pb.SuspendTenantRequest(tenant_id="default"),
        "ResumeTenant": pb.ResumeTenantRequest(tenant_id="default"),
    }
    for name, request in requests.items():
        call = getattr(tenants(here), name)(request, metadata=here.bearer())
        assert (await refused(call))[0] is StatusCode.PERMISSION_DENIED
    assert (await refused(here.call("Unary", b"a", platform(here))))[0] is (
        StatusCode.PERMISSION_DENIED
    )


async def test_a_suspended_tenant_is_out_everywhere_and_comes_back(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as one, world(tmp_path, local=True) as other:
        acme = await made(one, "acme")
        request = auth_pb.IssueTokenRequest()
        issued = await auth(one).IssueToken(request, metadata=one.bearer(acme.secret))
        credentials = (acme.secret, issued.token)
        for credential in credentials:
            assert await other.call("Unary", b"a", other.bearer(credential)) == b"a"
        suspend = pb.SuspendTenantRequest(tenant_id="acme")
        suspended = await tenants(one).SuspendTenant(suspend, metadata=platform(one))
        again = await tenants(one).SuspendTenant(suspend, metadata=platform(one))
        assert suspended.tenant.suspend_time == again.tenant.suspend_time
        for credential in credentials:
            assert await asyncio.wait_for(until(other, credential, works=False), PATIENCE)
            _, reason, _ = await refused(one.call("Unary", b"a", one.bearer(credential)))
            assert reason == "UNAUTHENTICATED"
        resume = pb.ResumeTenantRequest(tenant_id="acme")
        resumed = await tenants(one).ResumeTenant(resume, metadata=platform(one))
        assert not resumed.tenant.HasField("suspend_time")
        for credential in credentials:
            assert await asyncio.wait_for(until(other, credential, works=True), PATIENCE)


async def until(here: World, credential: str, *, works: bool) -> bool:
    """Calls until the credential works, or until it does not."""
    while True:
        try:
            await here.call("Unary", b"a", here.bearer(credential))
            done = works
        except grpc.aio.AioRpcError:
            done = not works
        if done:
            return True


async def test_the_platforms_own_tenant_is_not_suspended(here: World) -> None:
    request = pb.SuspendTenantRequest(tenant_id="platform")
    code, reason, _ = await refused(tenants(here).SuspendTenant(request, metadata=platform(here)))
    assert (code, reason) == (StatusCode.FAILED_PRECONDITION, "FAILED_PRECONDITION")


async def test_tenants_are_listed_in_pages_for_the_platform_and_others_see_themselves(
    here: World,
) -> None:
    acme = await made(here, "acme")
    for number in range(4):
        await made(here, f"tenant-{number}")
    request, seen = pb.ListTenantsRequest(page_size=3), list[str]()
    while not seen or request.page_token:
        page = await tenants(here).ListTenants(request, metadata=platform(here))
        seen += [tenant.tenant_id for tenant in page.tenants]
        request.page_token = page.next_page_token
    assert seen == sorted(["acme", "default", "platform", *(f"tenant-{n}" for n in range(4))])
    own = here.bearer(acme.secret)
    page = await tenants(here).ListTenants(pb.ListTenantsRequest(), metadata=own)
    assert [tenant.tenant_id for tenant in page.tenants] == ["acme"]
    found = await tenants(here).GetTenant(pb.GetTenantRequest(), metadata=own)
    assert found.tenant == acme.tenant


ABOUT_THE_CALLER = (
    *("FROM revision", "tenants.revision >"),
    *("FROM signing_keys", "key_secrets.digest ="),
)
Bearer = tuple[tuple[str, str], ...]
Ask = Callable[[World, Bearer, str], Any]
BY_ID: dict[str, Ask] = {
    "rotate": lambda here, acme, key: auth(here).RotateApiKey(
        auth_pb.RotateApiKeyRequest(key_id=key), metadata=acme
    ),
    "revoke": lambda here, acme, key: auth(here).RevokeApiKey(
        auth_pb.RevokeApiKeyRequest(key_id=key), metadata=acme
    ),
    "get": lambda here, acme, tenant: tenants(here).GetTenant(
        pb.GetTenantRequest(tenant_id=tenant), metadata=acme
    ),
}
BY_TOKEN: dict[str, Ask] = {
    "introspect": lambda here, acme, token: auth(here).IntrospectToken(
        auth_pb.IntrospectTokenRequest(token=token), metadata=acme
    ),
    "revoke": lambda here, acme, token: auth(here).RevokeToken(
        auth_pb.RevokeTokenRequest(token=token), metadata=acme
    ),
}


@contextmanager
def statements() -> Iterator[list[str]]:
    """The SQL that runs meanwhile, but for what goes by the clock.

    That is what settles who calls, and the audit log, which is written behind the calls.
    """
    seen: list[str] = []

    def record(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not any(word in statement for word in (*ABOUT_THE_CALLER, "audit_")):
            seen.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", record)


async def answered(call: Any) -> tuple[Any, ...]:
    """All that a caller sees: the response, or status code, message and details byte by byte."""
    try:
        return (await call,)
    except grpc.aio.AioRpcError as error:
        trailers: dict[str, Any] = dict(error.trailing_metadata())  # type: ignore[arg-type]
        return error.code(), error.details(), trailers["grpc-status-details-bin"]


@pytest.mark.parametrize("name", BY_ID)
async def test_another_tenants_id_is_missed_as_one_that_nobody_has(here: World, name: str) -> None:
    acme = here.bearer((await made(here, "acme")).secret)
    listed = await auth(here).ListApiKeys(auth_pb.ListApiKeysRequest(), metadata=here.bearer())
    foreign, missing = listed.api_keys[0].key_id, "key_" + "0" * 32
    if name == "get":
        foreign, missing = "default", "nobody"
    with statements() as for_foreign:
        told = await answered(BY_ID[name](here, acme, foreign))
    with statements() as for_missing:
        assert await answered(BY_ID[name](here, acme, missing)) == told
    assert told[0] is StatusCode.NOT_FOUND
    # each once: a batch of writes that has another's failing job in it is done again
    assert set(for_foreign) == set(for_missing) != set()
    assert await here.call("Unary", b"a") == b"a"


@pytest.mark.parametrize("name", BY_TOKEN)
async def test_another_tenants_token_is_as_one_that_does_not_work(here: World, name: str) -> None:
    acme = here.bearer((await made(here, "acme")).secret)
    issue = auth_pb.IssueTokenRequest()
    foreign = (await auth(here).IssueToken(issue, metadata=here.bearer())).token
    own = (await auth(here).IssueToken(issue, metadata=acme)).token
    await BY_TOKEN["revoke"](here, acme, own)
    told = await answered(BY_TOKEN[name](here, acme, "nonsense"))  # and the revocation is seen
    with statements() as for_foreign:
        assert await answered(BY_TOKEN[name](here, acme, foreign)) == told
    if name == "introspect":
        with statements() as for_revoked:
            assert await answered(BY_TOKEN[name](here, acme, own)) == told
        assert set(for_foreign) == set(for_revoked) != set()
    assert await here.call("Unary", b"a", here.bearer(foreign)) == b"a"


async def test_another_tenants_page_token_is_as_a_made_up_one(here: World) -> None:
    acme = here.bearer((await made(here, "acme")).secret)
    key = auth_pb.ApiKey(name="second", role=auth_pb.ROLE_VIEWER)
    await auth(here).CreateApiKey(auth_pb.CreateApiKeyRequest(api_key=key), metadata=here.bearer())
    request = auth_pb.ListApiKeysRequest(page_size=1)
    page = await auth(here).ListApiKeys(request, metadata=here.bearer())
    assert page.next_page_token
    told = []
    for token in (page.next_page_token, "A" * len(page.next_page_token)):
        request.page_token = token
        told.append(await answered(auth(here).ListApiKeys(request, metadata=acme)))
    assert told[0] == told[1]
    assert told[0][0] is StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "tenant_id",
    ["", "a", "A", "1a", "a-", "-a", "a_b", "a b", "a/b", "a" * 64, "*", "\u00e4a", "acme\n"],
)
async def test_an_id_out_of_bounds_is_refused_by_field(here: World, tenant_id: str) -> None:
    code, _, details = await refused(made(here, tenant_id))
    assert code is StatusCode.INVALID_ARGUMENT
    assert details["BadRequest"].field_violations[0].field == "tenant_id"


@pytest.mark.parametrize(
    "quotas",
    [
        {"per_minute": 0.0},
        {"per_minute": -1.0},
        {"per_minute": float("nan")},
        {"per_minute": float("inf")},
        {"burst": 0},
        {"burst": 2},  # less than some method costs: no call of it would ever pass
        {"in_flight": 0},
        {"in_flight": 1_000_001},
    ],
)
async def test_a_quota_out_of_bounds_is_refused_by_field(
    here: World, quotas: dict[str, float]
) -> None:
    request = pb.UpdateTenantQuotasRequest(tenant_id="default", quotas=pb.Quotas(**quotas))  # type: ignore[arg-type]
    call = tenants(here).UpdateTenantQuotas(request, metadata=platform(here))
    for refusal in (call, made(here, "acme", **quotas)):
        code, _, details = await refused(refusal)
        assert code is StatusCode.INVALID_ARGUMENT
        assert details["BadRequest"].field_violations[0].field == f"quotas.{next(iter(quotas))}"


async def test_an_id_is_taken_once(here: World) -> None:
    await made(here, "acme")
    for taken in ("acme", "default", "platform"):
        assert (await refused(made(here, taken)))[1] == "ALREADY_EXISTS"


async def test_a_callers_quotas_are_its_tenants_as_they_are_now(house: House) -> None:
    _, key, secret = await house.tenants.create(
        PLATFORM, "acme", Quotas(per_minute=600.5, in_flight=3)
    )
    token, _ = house.issuer.issue(key.key_id, "acme", "admin", ["capture_write"], 50)
    for credential in (secret.reveal(), token):
        assert (await house.knock(credential)).quotas == Quotas(600.5, None, 3)
    await house.tenants.set_quotas("acme", Quotas(burst=70))
    house.now += 0.5
    for credential in (secret.reveal(), token):
        assert (await house.knock(credential)).quotas == Quotas(None, 70, None)


async def test_a_tenant_is_held_to_its_own_quotas_and_others_are_not(here: World) -> None:
    acme = here.bearer((await made(here, "acme", per_minute=0.001, burst=5)).secret)
    for _ in range(5):
        await here.call("Unary", b"a", acme)
    assert (await refused(here.call("Unary", b"a", acme)))[1] == "RATE_LIMITED"
    assert await here.call("Unary", b"a") == b"a"
    request = pb.UpdateTenantQuotasRequest(tenant_id="acme")
    await tenants(here).UpdateTenantQuotas(request, metadata=platform(here))
    # its bucket is empty, and fills as the platform's do: nothing of the old quota is waited for
    _, _, details = await refused(here.call("Unary", b"a", acme))
    assert details["RetryInfo"].retry_delay.ToMilliseconds() <= 1
    assert await here.call("Unary", b"a", acme) == b"a"


async def test_nothing_is_half_made(house: House) -> None:
    with pytest.raises(InvalidInput):
        await house.tenants.create(PLATFORM, "acme", Quotas(burst=1))
    assert not await house.store.has_keys("acme")
    await house.tenants.create(PLATFORM, "acme", Quotas())
    with pytest.raises(AlreadyExists):
        await house.tenants.create(PLATFORM, "acme", Quotas())
    assert len(await house.store.list_keys("acme", "", 10)) == 1
