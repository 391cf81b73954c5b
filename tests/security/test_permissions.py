"""Every RPC with every role and every scope, held against the tables of docs/design/gateway.md."""

from __future__ import annotations

import re
from pathlib import Path

import grpc
import pytest

from systemzero.policy.v1 import policy_pb2
from systemzero_gateway.access.policy import PLATFORM_TENANT
from tests.security.credentials import Credentials
from tests.support.exposed import METHODS, Exposed, attempt

PAGE = Path(__file__).parents[2] / "docs" / "design" / "gateway.md"
DENIED = (grpc.StatusCode.PERMISSION_DENIED, "PERMISSION_DENIED")
REFUSED = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)
ROLES = ("viewer", "operator", "admin")


def promised() -> dict[tuple[str, str], set[str]]:
    """What each role of each kind of tenant may do, by the documentation."""
    rows = dict(re.findall(r"^\| `?(\w+)`? \| ([a-z_, ]+) \|$", PAGE.read_text(), re.MULTILINE))
    own: set[str] = set()
    found = {}
    for role in ROLES:
        own = own | set(rows[role].split(", "))
        found["default", role] = own - {"tenant_manage"}
        found[PLATFORM_TENANT, role] = own & set(rows["platform"].split(", "))
    return found


PROMISED = promised()


def needed(path: str) -> str:
    """The permission that the contract asks for."""
    access = METHODS[path].GetOptions().Extensions[policy_pb2.access]
    assert access.permission, f"{path} has no access policy"
    return str(policy_pb2.Permission.Name(access.permission)).removeprefix("PERMISSION_").lower()


@pytest.mark.parametrize("path", sorted(METHODS))
def test_a_role_opens_what_the_documentation_says_and_nothing_else(
    house: Exposed, credentials: Credentials, path: str
) -> None:
    for (tenant, role), metadata in credentials.roles.items():
        outcome = attempt(house.channel, path, b"", metadata)
        if needed(path) in PROMISED[tenant, role]:
            assert outcome.code not in REFUSED, (tenant, role, outcome)
        else:
            assert (outcome.code, outcome.reason) == DENIED, (tenant, role, outcome)


@pytest.mark.parametrize("path", sorted(METHODS))
def test_a_missing_scope_closes_and_the_one_scope_opens(
    house: Exposed, credentials: Credentials, path: str
) -> None:
    permission = needed(path)
    tenant = PLATFORM_TENANT if permission == "tenant_manage" else "default"
    missing = attempt(house.channel, path, b"", credentials.without[tenant, permission])
    assert (missing.code, missing.reason) == DENIED
    assert permission in missing.message
    for (other, scope), metadata in credentials.only.items():
        outcome = attempt(house.channel, path, b"", metadata)
        if scope == permission:
            assert outcome.code not in REFUSED, (other, scope, outcome)
        else:
            assert (outcome.code, outcome.reason) == DENIED, (other, scope, outcome)
