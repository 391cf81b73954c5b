"""Every RPC of the contract, with every credential that must not open it.

The RPCs come from the descriptors: a new one is attacked from its first day.
"""

from __future__ import annotations

import grpc
import pytest

from tests.security.credentials import Credentials
from tests.support.exposed import METHODS, Exposed, attempt, bearer
from tests.support.patience import PATIENCE

STATUS = "/systemzero.gateway.v1.StatusService/GetStatus"


def test_what_the_bad_ones_are_made_from_is_good(house: Exposed, credentials: Credentials) -> None:
    for good in (house.own_key, house.rival_key, house.platform_key, credentials.good_token):
        assert attempt(house.channel, STATUS, b"", bearer(good)).code is grpc.StatusCode.OK


@pytest.mark.parametrize("path", sorted(METHODS))
def test_every_bad_credential_is_refused_with_one_and_the_same_answer(
    house: Exposed, credentials: Credentials, path: str
) -> None:
    refusal = attempt(house.channel, path, b"", ())
    assert refusal.code is grpc.StatusCode.UNAUTHENTICATED
    assert refusal.reason == "UNAUTHENTICATED"
    for name, metadata in credentials.bad.items():
        assert attempt(house.channel, path, b"", metadata) == refusal, name


@pytest.mark.parametrize("path", ["/x/y", "/systemzero.log.v1.LogService/Nope", "/", "//", "/a"])
def test_a_method_that_is_in_no_contract_is_refused_whoever_asks(house: Exposed, path: str) -> None:
    for metadata in ((), bearer(house.own_key), bearer(house.platform_key)):
        with pytest.raises(grpc.RpcError) as refused:
            house.channel.unary_unary(path, None, None)(b"", metadata=metadata, timeout=PATIENCE)
        assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
