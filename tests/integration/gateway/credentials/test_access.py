"""Who gets in, and how those who don't are told."""

from __future__ import annotations

import asyncio
import stat
from collections import Counter
from collections.abc import AsyncIterator, Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import auth_service_pb2_grpc, status_service_pb2, status_service_pb2_grpc
from systemzero.policy.v1 import policy_pb2
from systemzero_base.telemetry.logs import LogSettings
from systemzero_gateway.credentials import apikey
from systemzero_gateway.limits import LimitSettings, Rate
from systemzero_wire import contract
from tests.support.exposed import METHODS
from tests.support.gateway import World, each, refused, sending, world
from tests.support.logging import lines_in, logging_as
from tests.support.patience import PATIENCE

StatusCode = grpc.StatusCode


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path, local=True) as running:
        yield running


def auth(here: World) -> Any:
    return auth_service_pb2_grpc.AuthServiceStub(here.channel)


async def new_key(
    here: World,
    role: Any = pb.ROLE_OPERATOR,
    *scopes: Any,
    by: str | None = None,
    **fields: Any,
) -> pb.CreateApiKeyResponse:
    key = pb.ApiKey(name="of a test", role=role, scopes=scopes, **fields)
    request = pb.CreateApiKeyRequest(api_key=key)
    response: pb.CreateApiKeyResponse = await auth(here).CreateApiKey(
        request, metadata=here.bearer(by)
    )
    return response


async def new_token(here: World, credential: str | None = None, **fields: Any) -> str:
    request = pb.IssueTokenRequest(**fields)
    response = await auth(here).IssueToken(request, metadata=here.bearer(credential))
    return str(response.token)


def test_the_first_admin_key_is_in_a_file_for_its_owner_alone(tmp_path: Path) -> None:
    async def secret() -> str:
        async with world(tmp_path, local=True) as here:
            assert await here.call("Unary", b"a") == b"a"
            return here.secret

    first = asyncio.run(secret())
    assert asyncio.run(secret()) == first
    for name in ("admin.key", "platform.key", "pepper.key", "familiar", "gateway.sqlite3"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert first.encode() not in (tmp_path / "gateway.sqlite3").read_bytes()


MALFORMED: list[Callable[[World], list[tuple[str, str]]]] = [
    lambda here: [],
    lambda here: [("authorization", "")],
    lambda here: [("authorization", "Bearer")],
    lambda here: [("authorization", "Bearer ")],
    lambda here: [("authorization", here.secret)],
    lambda here: [("authorization", f"Basic {here.secret}")],
    lambda here: [("authorization", f"Bearer {here.secret[:-1]}")],
    lambda here: [("authorization", f"Bearer {here.secret} {here.secret}")],
    lambda here: [("authorization", f"Bearer {apikey.new_secret()}")],
    lambda here: [("authorization", f"Bearer {here.secret}")] * 2,
    lambda here: [("authorization", "Bearer eyJhbGciOiJub25lIn0.e30.")],
    lambda here: [("authorization", "Bearer " + "x" * 6_000)],
    lambda here: [("x-api-key", here.secret)],
    lambda here: [("sz-identity", here.secret)],
]


@pytest.mark.parametrize("number", range(len(MALFORMED)))
@pytest.mark.parametrize("method", ["Unary", "Both"])
async def test_without_an_accepted_credential_there_is_one_answer(
    here: World, number: int, method: str
) -> None:
    metadata = MALFORMED[number](here)
    call = here.call(method, b"a" if method == "Unary" else None, metadata)
    code, reason, details = await refused(call if method == "Unary" else each(call))
    assert (code, reason) == (StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
    assert await call.details() == "the credential is missing or not accepted"
    assert details.keys() == {"ErrorInfo"}
    assert not details["ErrorInfo"].metadata


@pytest.mark.parametrize("path", sorted(METHODS))
async def test_no_rpc_of_the_contract_answers_without_a_credential(here: World, path: str) -> None:
    _, reason, _ = await refused(here.channel.unary_unary(path, None, None)(b""))
    assert reason == "UNAUTHENTICATED"


async def test_health_and_reflection_answer_everybody(here: World) -> None:
    health = health_pb2_grpc.HealthStub(here.channel)
    for service in contract.services():
        request = health_pb2.HealthCheckRequest(service=service.full_name)
        assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
    stub = reflection_pb2_grpc.ServerReflectionStub(here.channel)
    requests = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    listed = [response async for response in stub.ServerReflectionInfo(requests)]
    names = {service.name for service in listed[0].list_services_response.service}
    assert names >= {service.full_name for service in contract.services()}


async def test_a_key_works_until_it_is_revoked_and_so_do_its_tokens(here: World) -> None:
    made = await new_key(here)
    token = await new_token(here, made.secret)
    assert await here.call("Unary", b"a", here.bearer(made.secret)) == b"a"
    assert await here.call("Unary", b"a", here.bearer(token)) == b"a"
    request = pb.RevokeApiKeyRequest(key_id=made.api_key.key_id)
    revoked = await auth(here).RevokeApiKey(request, metadata=here.bearer())
    assert revoked.api_key.HasField("revoke_time")
    for credential in (made.secret, token):
        _, reason, _ = await refused(here.call("Unary", b"a", here.bearer(credential)))
        assert reason == "UNAUTHENTICATED"
    again = await auth(here).RevokeApiKey(request, metadata=here.bearer())
    assert again.api_key.revoke_time == revoked.api_key.revoke_time


async def test_a_second_gateway_over_the_same_store_sees_a_revocation(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as one, world(tmp_path, local=True) as other:
        made = await new_key(one)
        token, another = await new_token(one, made.secret), await new_token(one, made.secret)
        for credential in (made.secret, token, another):
            assert await other.call("Unary", b"a", other.bearer(credential)) == b"a"
        by_text = pb.RevokeTokenRequest(token=token)
        await auth(one).RevokeToken(by_text, metadata=one.bearer(token))
        assert await asyncio.wait_for(until_refused(other, token), PATIENCE) == "UNAUTHENTICATED"
        assert await other.call("Unary", b"a", other.bearer(another)) == b"a"
        request = pb.RevokeApiKeyRequest(key_id=made.api_key.key_id)
        await auth(one).RevokeApiKey(request, metadata=one.bearer())
        for credential in (made.secret, another):
            code = await asyncio.wait_for(until_refused(other, credential), PATIENCE)
            assert code == "UNAUTHENTICATED"


async def test_replaced_signing_keys_end_every_token_everywhere_and_no_key(tmp_path: Path) -> None:
    async with world(tmp_path, local=True) as one, world(tmp_path, local=True) as other:
        old = await auth(one).GetJwks(pb.GetJwksRequest(), metadata=one.bearer())
        token = await new_token(one, one.secret)
        assert await other.call("Unary", b"a", other.bearer(token)) == b"a"
        with pytest.raises(grpc.aio.AioRpcError) as denied:  # only the platform may
            await auth(one).ReplaceSigningKeys(
                pb.ReplaceSigningKeysRequest(), metadata=one.bearer()
            )
        assert denied.value.code() is grpc.StatusCode.PERMISSION_DENIED
        platform = one.bearer((tmp_path / "platform.key").read_text().strip())
        replaced = await auth(one).ReplaceSigningKeys(
            pb.ReplaceSigningKeysRequest(), metadata=platform
        )
        _, reason, _ = await refused(one.call("Unary", b"a", one.bearer(token)))
        assert reason == "UNAUTHENTICATED"
        assert await asyncio.wait_for(until_refused(other, token), PATIENCE) == "UNAUTHENTICATED"
        for here in (one, other):
            jwks = await auth(here).GetJwks(pb.GetJwksRequest(), metadata=here.bearer())
            assert [key.kid for key in jwks.keys] == [replaced.kid]
            assert replaced.kid not in {key.kid for key in old.keys}
            fresh = await new_token(here, here.secret)
            assert await other.call("Unary", b"a", other.bearer(fresh)) == b"a"


async def until_refused(here: World, credential: str) -> str:
    """The status code by which a credential that works is refused in the end."""
    while True:
        try:
            await here.call("Unary", b"a", here.bearer(credential))
        except grpc.aio.AioRpcError as error:
            return error.code().name


@pytest.mark.parametrize("method", ["Server", "Client", "Both"])
async def test_a_stream_ends_with_the_key_that_opened_it(tmp_path: Path, method: str) -> None:
    async with world(tmp_path, local=True) as one, world(tmp_path, local=True) as other:
        made = await new_key(one)
        request = sending(b"wait") if method in {"Client", "Both"} else b"wait"
        call = other.call(method, request, other.bearer(made.secret))
        unconcerned = other.call("Both", None)
        await unconcerned.write(b"a")
        assert await unconcerned.read() == b"a"
        await other.echo.started.wait()
        revoke = pb.RevokeApiKeyRequest(key_id=made.api_key.key_id)
        await auth(one).RevokeApiKey(revoke, metadata=one.bearer())
        ending = refused(call if method == "Client" else each(call))
        code, reason, _ = await asyncio.wait_for(ending, PATIENCE)
        assert (code, reason) == (StatusCode.UNAUTHENTICATED, "UNAUTHENTICATED")
        await other.echo.cancelled.wait()
        await unconcerned.write(b"b")
        assert await unconcerned.read() == b"b"
        unconcerned.cancel()


async def test_a_token_is_introspected_and_one_that_is_none_is_not_active(here: World) -> None:
    made = await new_key(here)
    issued = await auth(here).IssueToken(
        pb.IssueTokenRequest(scopes=[policy_pb2.PERMISSION_CAPTURE_WRITE]),
        metadata=here.bearer(made.secret),
    )

    async def introspect(token: str) -> Any:
        request = pb.IntrospectTokenRequest(token=token)
        return await auth(here).IntrospectToken(request, metadata=here.bearer())

    found = await introspect(issued.token)
    assert found.active
    assert (found.token_id, found.key_id) == (issued.token_id, made.api_key.key_id)
    assert (found.tenant, found.role) == ("default", pb.ROLE_OPERATOR)
    assert list(found.scopes) == [policy_pb2.PERMISSION_CAPTURE_WRITE]
    assert found.expire_time == issued.expire_time
    await auth(here).RevokeToken(
        pb.RevokeTokenRequest(token_id=issued.token_id), metadata=here.bearer()
    )
    for token in (issued.token, issued.token[:-1], made.secret, "", "x" * 5_000):
        assert await introspect(token) == pb.IntrospectTokenResponse()


async def test_a_rotated_key_has_both_secrets_for_the_overlap(here: World) -> None:
    made = await new_key(here)
    request = pb.RotateApiKeyRequest(key_id=made.api_key.key_id)
    rotated = await auth(here).RotateApiKey(request, metadata=here.bearer())
    assert rotated.api_key.key_id == made.api_key.key_id
    for secret in (made.secret, rotated.secret):
        assert await here.call("Unary", b"a", here.bearer(secret)) == b"a"
    request.overlap.FromSeconds(0)
    last = await auth(here).RotateApiKey(request, metadata=here.bearer())
    for secret in (made.secret, rotated.secret):
        _, reason, _ = await refused(here.call("Unary", b"a", here.bearer(secret)))
        assert reason == "UNAUTHENTICATED"
    assert await here.call("Unary", b"a", here.bearer(last.secret)) == b"a"


async def test_a_role_and_a_scope_bound_what_a_key_may_do(here: World) -> None:
    viewer = await new_key(here, pb.ROLE_VIEWER)
    scoped = await new_key(here, pb.ROLE_ADMIN, policy_pb2.PERMISSION_EVENT_READ)
    for secret in (viewer.secret, scoped.secret):
        code, reason, _ = await refused(here.call("Unary", b"a", here.bearer(secret)))
        assert (code, reason) == (StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")


async def test_a_token_has_no_more_than_was_asked_for_and_begets_no_other(here: World) -> None:
    token = await new_token(here, scopes=[policy_pb2.PERMISSION_TOKEN_ISSUE])
    code, _, _ = await refused(here.call("Unary", b"a", here.bearer(token)))
    assert code is StatusCode.PERMISSION_DENIED
    code, _, _ = await refused(new_token(here, token))
    assert code is StatusCode.PERMISSION_DENIED


async def test_nobody_gives_away_what_they_do_not_have(here: World) -> None:
    manage = policy_pb2.PERMISSION_KEY_MANAGE
    manager = (await new_key(here, pb.ROLE_ADMIN, manage)).secret
    code, _, _ = await refused(new_key(here, pb.ROLE_ADMIN, by=manager))
    assert code is StatusCode.PERMISSION_DENIED
    code, _, _ = await refused(new_key(here, pb.ROLE_VIEWER, by=manager))
    assert code is StatusCode.PERMISSION_DENIED
    assert (await new_key(here, pb.ROLE_ADMIN, manage, by=manager)).secret
    listed = await auth(here).ListApiKeys(pb.ListApiKeysRequest(), metadata=here.bearer(manager))
    admin = listed.api_keys[0].key_id
    request = pb.RotateApiKeyRequest(key_id=admin)
    code, _, _ = await refused(auth(here).RotateApiKey(request, metadata=here.bearer(manager)))
    assert code is StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("key", "field"),
    [
        (pb.ApiKey(role=pb.ROLE_VIEWER), "api_key.name"),
        (pb.ApiKey(name="x" * 101, role=pb.ROLE_VIEWER), "api_key.name"),
        (pb.ApiKey(name="a\nb", role=pb.ROLE_VIEWER), "api_key.name"),
        (pb.ApiKey(name="a"), "api_key.role"),
        (pb.ApiKey(name="a", role=9), "api_key.role"),  # type: ignore[arg-type]
        (pb.ApiKey(name="a", role=pb.ROLE_VIEWER, scopes=[0]), "api_key.scopes"),  # type: ignore[list-item]
        (pb.ApiKey(name="a", role=pb.ROLE_VIEWER, scopes=[11]), "api_key.scopes"),  # type: ignore[list-item]
        (
            pb.ApiKey(name="a", role=pb.ROLE_VIEWER, expire_time=Timestamp(seconds=1)),
            "api_key.expire_time",
        ),
    ],
)
async def test_a_key_that_makes_no_sense_is_refused_by_field(
    here: World, key: pb.ApiKey, field: str
) -> None:
    request = pb.CreateApiKeyRequest(api_key=key)
    _, _, details = await refused(auth(here).CreateApiKey(request, metadata=here.bearer()))
    assert details["BadRequest"].field_violations[0].field == field


@pytest.mark.parametrize("name", ["Grüße 😀", "\U0001fae8 of Unicode 15"])
async def test_a_key_may_have_any_name_that_can_be_seen(here: World, name: str) -> None:
    key = pb.ApiKey(name=name, role=pb.ROLE_VIEWER)
    request = pb.CreateApiKeyRequest(api_key=key)
    response = await auth(here).CreateApiKey(request, metadata=here.bearer())
    assert response.api_key.name == name


async def test_keys_are_listed_in_pages_and_without_secrets(here: World) -> None:
    made = [(await new_key(here)) for _ in range(4)]
    request, seen = pb.ListApiKeysRequest(page_size=2), []
    while True:
        page = await auth(here).ListApiKeys(request, metadata=here.bearer())
        assert len(page.api_keys) <= 2
        seen += page.api_keys
        request.page_token = page.next_page_token
        if not page.next_page_token:
            break
    assert [key.key_id for key in seen][1:] == [one.api_key.key_id for one in made]
    assert not any("s0_" in str(key) for key in seen)
    request.page_token = "made up"
    _, _, details = await refused(auth(here).ListApiKeys(request, metadata=here.bearer()))
    assert details["BadRequest"].field_violations[0].field == "page_token"


async def test_a_key_that_is_not_there_is_not_found(here: World) -> None:
    request = pb.RevokeApiKeyRequest(key_id="key_of_another_tenant")
    code, reason, _ = await refused(auth(here).RevokeApiKey(request, metadata=here.bearer()))
    assert (code, reason) == (StatusCode.NOT_FOUND, "NOT_FOUND")


async def test_a_used_up_limit_says_when_to_come_back(tmp_path: Path) -> None:
    limits = LimitSettings(tenant=Rate(60, 100), principal=Rate(60, 5))
    async with world(tmp_path, local=True, limits=limits) as here:
        for _ in range(5):
            await here.call("Unary", b"a")
        call = here.call("Unary", b"a")
        code, reason, details = await refused(call)
        trailers = dict(await call.trailing_metadata())
    assert (code, reason) == (StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert 0 < details["RetryInfo"].retry_delay.ToMilliseconds() <= 1_000
    assert details["QuotaFailure"].violations[0].subject == "principal"
    assert trailers["ratelimit-limit"] == "5"
    assert trailers["ratelimit-remaining"] == "0"
    assert 0 < int(trailers["ratelimit-reset"]) <= 6


async def test_guessing_is_slowed_down_and_hurts_nobody_who_is_known(tmp_path: Path) -> None:
    limits = LimitSettings(Rate(600, 100), Rate(600, 100), failures=Rate(1, 3))
    async with world(tmp_path, local=True, limits=limits) as here:
        await here.call("Unary", b"a")
        reasons = [(await refused(here.call("Unary", b"a", ())))[1] for _ in range(4)]
        assert reasons == ["UNAUTHENTICATED"] * 3 + ["RATE_LIMITED"]
        assert await here.call("Unary", b"a") == b"a"
        made = await new_key(here)  # a change, after which everybody is looked up again
        assert await here.call("Unary", b"a") == b"a"
        assert await here.call("Unary", b"a", here.bearer(made.secret)) == b"a"


async def test_guesses_at_once_get_no_more_answers_than_one_after_the_other(tmp_path: Path) -> None:
    limits = LimitSettings(Rate(600, 100), Rate(600, 100), failures=Rate(0.001, 3))
    async with world(tmp_path, local=True, limits=limits) as here:
        same = [here.bearer(apikey.new_secret())] * 20
        other = [here.bearer(apikey.new_secret()) for _ in range(40)]
        for wrong, answers in ((same, 3), (other, 30 - 3)):
            told = await asyncio.gather(*(refused(here.call("Unary", b"a", key)) for key in wrong))
            reasons = Counter(reason for _, reason, _ in told)
            assert reasons == {"UNAUTHENTICATED": answers, "RATE_LIMITED": len(wrong) - answers}


async def test_the_status_names_the_caller_and_the_backends(here: World) -> None:
    stub = status_service_pb2_grpc.StatusServiceStub(here.channel)
    request = status_service_pb2.GetStatusRequest()
    status = await stub.GetStatus(request, metadata=here.bearer())
    assert (status.tenant, status.version) == ("default", version("systemzero-gateway"))
    assert status.principal.startswith("key_")
    assert [(backend.name, backend.serving) for backend in status.backends] == [("echo", True)]
    assert status.log_size == 7
    # a backend that has no word on storage, or an earlier release's
    assert not status.backends[0].storage_known


async def test_the_status_says_that_a_backend_is_gone(tmp_path: Path) -> None:
    async with world(tmp_path, local=False) as here:
        stub = status_service_pb2_grpc.StatusServiceStub(here.channel)
        request = status_service_pb2.GetStatusRequest()
        assert (await stub.GetStatus(request, metadata=here.bearer())).backends[0].serving
        await here.stop_backend()
        status = await stub.GetStatus(request, metadata=here.bearer())
        assert not status.backends[0].serving
        assert not status.backends[0].storage_known
        assert status.log_size == 0


def rpcs_in(file: Path) -> list[dict[str, Any]]:
    return [line for line in lines_in(file) if line["event"] == "rpc"]


async def test_secrets_are_in_no_log_and_calls_are(here: World, tmp_path: Path) -> None:
    file = tmp_path / "log"
    with logging_as(LogSettings(output=str(file))):
        made = await new_key(here)
        token = await new_token(here, made.secret)
        await here.call("Unary", b"a", here.bearer(token))
        await refused(here.call("Unary", b"bad", here.bearer(made.secret)))
        wrong = apikey.new_secret()
        await refused(here.call("Unary", b"a", here.bearer(wrong)))
        await refused(here.call("Unary", b"a", here.bearer(token[:-4])))
        async with asyncio.timeout(PATIENCE):  # a call is logged after its caller has the answer
            while len(calls := rpcs_in(file)) < 6:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0)
    output = file.read_text()
    for secret in (here.secret, made.secret, wrong, token, token[:-4], token.split(".")[2]):
        assert secret not in output
    assert calls[0]["rpc_method"].endswith("AuthService/CreateApiKey")
    assert [call["status"] for call in calls[-2:]] == ["UNAUTHENTICATED"] * 2


async def test_guesses_do_not_lock_out_who_comes_from_there_for_the_first_time(
    tmp_path: Path,
) -> None:
    limits = LimitSettings(Rate(600, 100), Rate(600, 100), failures=Rate(0.001, 3))
    async with world(tmp_path, local=True, limits=limits) as here:
        made = await new_key(here)
        nonsense = [(), [("authorization", "Basic x")], here.bearer("nonsense"), here.bearer("a.b")]
        told = [(await refused(here.call("Unary", b"a", each)))[1] for each in nonsense * 3]
        assert told[-1] == "RATE_LIMITED"
        wrong = here.bearer(apikey.new_secret())
        again = [(await refused(here.call("Unary", b"a", wrong)))[1] for _ in range(5)]
        assert again == ["UNAUTHENTICATED"] * 3 + ["RATE_LIMITED"] * 2
        assert await here.call("Unary", b"a", here.bearer(made.secret)) == b"a"


async def test_an_address_that_is_used_up_still_lets_in_a_new_token_of_who_is_known(
    tmp_path: Path,
) -> None:
    limits = LimitSettings(Rate(6_000, 1_000), Rate(6_000, 1_000), failures=Rate(0.001, 1))
    async with world(tmp_path, local=True, limits=limits) as here:
        made, unused = await new_key(here), await new_key(here)
        await here.call("Unary", b"a", here.bearer(made.secret))
        for _ in range(12):
            await refused(here.call("Unary", b"a", here.bearer(apikey.new_secret())))
        _, reason, _ = await refused(here.call("Unary", b"a", here.bearer(unused.secret)))
        assert reason == "RATE_LIMITED"
        token = await new_token(here, made.secret)
        assert await here.call("Unary", b"a", here.bearer(token)) == b"a"
