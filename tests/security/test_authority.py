"""Attacks in time and in rank: what a short or a narrow credential tries to leave behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero.policy.v1 import policy_pb2
from tests.support.exposed import Exposed
from tests.support.platform import Services

Code = grpc.StatusCode
MANAGE = policy_pb2.PERMISSION_KEY_MANAGE
EVERYTHING = [value for value in policy_pb2.Permission.values() if value]
AT_ONCE = Duration(seconds=0)


class Firm:
    """A tenant of one's own, and how to come into it."""

    def __init__(self, house: Exposed, name: str) -> None:
        self._house = house
        with house.services(house.platform_key) as services:
            created = services.tenants.CreateTenant(tenant_pb.CreateTenantRequest(tenant_id=name))
        self.first_key, self.secret = created.api_key.key_id, str(created.secret)

    def by(self, credential: str) -> Services:
        return self._house.services(credential)

    def key(self, **fields: Any) -> pb.CreateApiKeyResponse:
        with self.by(self.secret) as services:
            return new_key(services, **fields)

    def token(self, *scopes: Any) -> str:
        with self.by(self.secret) as services:
            return str(services.auth.IssueToken(pb.IssueTokenRequest(scopes=scopes)).token)


@pytest.fixture(scope="module")
def house(either_house: Exposed) -> Exposed:
    """What keys and ids are is the database's to remember: on each of them."""
    return either_house


@pytest.fixture(scope="module")
def firm(house: Exposed) -> Firm:
    return Firm(house, "firm")


def new_key(services: Services, **fields: Any) -> pb.CreateApiKeyResponse:
    key = pb.ApiKey(**{"name": "made", "role": pb.ROLE_ADMIN, **fields})
    response: pb.CreateApiKeyResponse = services.auth.CreateApiKey(
        pb.CreateApiKeyRequest(api_key=key)
    )
    return response


def refused(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    return error.code(), str(error.details())


def in_seconds(seconds: int) -> Timestamp:
    return Timestamp(seconds=int(time.time()) + seconds)


def test_a_short_token_leaves_no_key_behind(firm: Firm) -> None:
    with firm.by(firm.token()) as services:
        for call in (
            lambda: new_key(services),
            lambda: services.auth.RotateApiKey(
                pb.RotateApiKeyRequest(key_id=firm.first_key, overlap=AT_ONCE)
            ),
            lambda: services.auth.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=firm.first_key)),
            lambda: services.auth.ListApiKeys(pb.ListApiKeysRequest()),
        ):
            assert refused(call)[0] is Code.PERMISSION_DENIED


def test_a_token_that_may_manage_keys_leaves_none_that_outlasts_it(firm: Firm) -> None:
    with firm.by(firm.token(*EVERYTHING)) as services:
        code, text = refused(lambda: new_key(services))
        assert (code, "api_key.expire_time" in text) == (Code.INVALID_ARGUMENT, True)
        code, _ = refused(lambda: new_key(services, expire_time=in_seconds(86_400)))
        assert code is Code.INVALID_ARGUMENT
        rotate = pb.RotateApiKeyRequest(key_id=firm.first_key, overlap=AT_ONCE)
        assert refused(lambda: services.auth.RotateApiKey(rotate))[0] is Code.PERMISSION_DENIED
        assert new_key(services, expire_time=in_seconds(30)).secret
    with firm.by(firm.secret) as services:  # which goes on working
        assert services.auth.ListApiKeys(pb.ListApiKeysRequest()).api_keys


def test_a_key_that_ends_leaves_none_that_does_not(firm: Firm) -> None:
    short = firm.key(expire_time=in_seconds(600))
    with firm.by(short.secret) as services:
        for fields in ({}, {"expire_time": in_seconds(6_000)}, {"role": pb.ROLE_VIEWER}):
            assert refused(lambda f=fields: new_key(services, **f))[0] is Code.INVALID_ARGUMENT  # type: ignore[misc]
        rotate = pb.RotateApiKeyRequest(key_id=firm.first_key, overlap=AT_ONCE)
        assert refused(lambda: services.auth.RotateApiKey(rotate))[0] is Code.PERMISSION_DENIED


def test_a_token_of_the_platform_leaves_no_tenant_behind(house: Exposed) -> None:
    with house.services(house.platform_key) as services:
        token = services.auth.IssueToken(pb.IssueTokenRequest()).token
    with house.services(token) as services:
        create = tenant_pb.CreateTenantRequest(tenant_id="left-behind")
        assert refused(lambda: services.tenants.CreateTenant(create))[0] is Code.PERMISSION_DENIED


def test_a_key_that_manages_keys_alone_ends_no_admin(firm: Firm) -> None:
    manager = firm.key(scopes=[MANAGE, policy_pb2.PERMISSION_TOKEN_ISSUE])
    token = firm.token()
    with firm.by(manager.secret) as services:
        for call in (
            lambda: services.auth.RevokeApiKey(pb.RevokeApiKeyRequest(key_id=firm.first_key)),
            lambda: services.auth.RotateApiKey(pb.RotateApiKeyRequest(key_id=firm.first_key)),
            lambda: services.auth.RevokeToken(pb.RevokeTokenRequest(token=token)),
            lambda: services.auth.RevokeToken(pb.RevokeTokenRequest(token_id="tok_" + "0" * 32)),
        ):
            assert refused(call)[0] is Code.PERMISSION_DENIED


def test_the_last_admin_cannot_go(house: Exposed) -> None:
    firm = Firm(house, "alone")
    revoke = pb.RevokeApiKeyRequest(key_id=firm.first_key)
    for fields in (
        {"expire_time": in_seconds(600)},
        {"scopes": [MANAGE]},
        {"role": pb.ROLE_VIEWER},
    ):
        firm.key(**fields)  # none of which is another admin for good
    with firm.by(firm.secret) as services:
        code, text = refused(lambda: services.auth.RevokeApiKey(revoke))
        assert (code, "last" in text) == (Code.FAILED_PRECONDITION, True)
        assert new_key(services).secret
        assert services.auth.RevokeApiKey(revoke).api_key.HasField("revoke_time")
