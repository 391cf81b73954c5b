"""The contract's access policies and the roles that meet them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from grpc_health.v1 import health_pb2

from systemzero.policy.v1 import policy_pb2
from systemzero_gateway.access.policy import (
    ALL,
    PLATFORM_PERMISSIONS,
    PLATFORM_TENANT,
    ROLE_PERMISSIONS,
    Role,
    granted,
    methods_with_policy,
    permission_name,
    permission_value,
    permissions_of,
)
from systemzero_gateway.backends.routes import backend_of, is_own
from systemzero_gateway.config import GatewaySettings
from systemzero_wire import contract

ROOT = Path(__file__).parents[4]
METHODS = methods_with_policy(contract.methods())


INTERNAL = {
    "/systemzero.capture.v1.PairingService/Pair",
    "/systemzero.capture.v1.TreeService/GetTrees",
    "/systemzero.diff.v1.JudgementService/GetVerdicts",
    "/systemzero.diff.v1.JudgementService/JudgeCapture",
    "/systemzero.diff.v1.DriftService/EraseCapture",
    "/systemzero.usage.v1.UsageService/GetUsage",
}


@pytest.mark.parametrize("path", sorted(contract.methods().keys() - INTERNAL))
def test_every_rpc_declares_its_policy_and_has_a_route(path: str) -> None:
    assert path in METHODS, f"{path} declares no access policy"
    assert is_own(path) or backend_of(path, GatewaySettings().routes) is not None


def test_what_services_ask_each_other_is_no_method_of_the_gateway() -> None:
    assert not METHODS.keys() & INTERNAL


def test_a_method_without_a_policy_is_left_out() -> None:
    method = health_pb2.DESCRIPTOR.services_by_name["Health"].methods_by_name["Check"]
    assert methods_with_policy({"/grpc.health.v1.Health/Check": method}) == {}


def test_what_the_contract_says_is_what_holds() -> None:
    diff = METHODS["/systemzero.diff.v1.DiffService/Diff"]
    assert (diff.permission, diff.max_bytes) == ("diff_run", 10_000_000)
    ingest = METHODS["/systemzero.capture.v1.CaptureService/IngestStream"]
    assert (ingest.client_streaming, ingest.server_streaming) == (True, True)
    create = METHODS["/systemzero.gateway.v1.AuthService/CreateApiKey"]
    assert (create.permission, create.cost, create.audit) == ("key_manage", 5, True)
    assert create.max_bytes == 5_000_000


def test_each_role_holds_all_of_the_one_below_and_admin_everything() -> None:
    viewer, operator = ROLE_PERMISSIONS[Role.VIEWER], ROLE_PERMISSIONS[Role.OPERATOR]
    assert viewer < operator < ROLE_PERMISSIONS[Role.ADMIN] == ALL
    assert len(ALL) == len(policy_pb2.Permission.values()) - 1


def test_a_viewer_changes_nothing() -> None:
    changing = {name for name in ALL if name.endswith(("_write", "_delete", "_decide", "_manage"))}
    assert changing
    assert not changing & ROLE_PERMISSIONS[Role.VIEWER]


def test_scopes_only_ever_take_away() -> None:
    assert granted("acme", Role.VIEWER, ["event_read", "key_manage"]) == {"event_read"}
    assert granted("acme", Role.VIEWER, []) == ROLE_PERMISSIONS[Role.VIEWER]
    assert granted("acme", Role.VIEWER, ["key_manage"]) == frozenset()
    assert granted("acme", Role.ADMIN, ["tenant_manage"]) == frozenset()


@pytest.mark.parametrize("role", Role)
def test_tenants_are_managed_from_the_platforms_own_alone_which_has_nothing_else(
    role: Role,
) -> None:
    assert "tenant_manage" not in permissions_of("acme", role)
    assert permissions_of(PLATFORM_TENANT, role) <= PLATFORM_PERMISSIONS
    assert permissions_of(PLATFORM_TENANT, Role.ADMIN) == PLATFORM_PERMISSIONS
    unused = {"capture", "template", "event", "log", "diff"}
    assert not any(name.partition("_")[0] in unused for name in PLATFORM_PERMISSIONS)


def test_the_table_of_roles_in_the_documentation_is_what_holds() -> None:
    document = (ROOT / "docs" / "design" / "gateway.md").read_text()
    rows = dict(re.findall(r"^\| `?(\w+)`? \| ([a-z_, ]+) \|$", document, re.MULTILINE))
    told = {name: set(rows[name].split(", ")) for name in (*Role, PLATFORM_TENANT)}
    assert told[Role.VIEWER] == ROLE_PERMISSIONS[Role.VIEWER]
    assert told[Role.OPERATOR] == ROLE_PERMISSIONS[Role.OPERATOR] - ROLE_PERMISSIONS[Role.VIEWER]
    assert told[Role.ADMIN] == ALL - ROLE_PERMISSIONS[Role.OPERATOR]
    assert told[PLATFORM_TENANT] == PLATFORM_PERMISSIONS


def test_permissions_have_the_contracts_names() -> None:
    for name in ALL:
        assert permission_name(permission_value(name)) == name
    for value in (0, 999):
        with pytest.raises(ValueError):  # noqa: PT011 - the enum's own message
            permission_name(value)


def test_the_longest_prefix_leads() -> None:
    routes = {"systemzero.": "a", "systemzero.log.": "b"}
    assert backend_of("/systemzero.log.v1.LogService/ListEntries", routes) == "b"
    assert backend_of("/systemzero.diff.v1.DiffService/Diff", routes) == "a"
    assert backend_of("/other.Service/Method", routes) is None


def test_no_route_leads_away_from_the_gateways_own_methods() -> None:
    routes = {"systemzero.": "a", "systemzero.gateway.": "b"}
    assert backend_of("/systemzero.gateway.v1.AuthService/IssueToken", routes) is None
    assert backend_of("systemzero.gateway.v1.AuthService", routes) is None


def test_what_can_carry_a_request_id_is_safe_to_repeat_only_with_one() -> None:
    carrying = {path for path, method in METHODS.items() if method.request_id_field}
    assert "/systemzero.capture.v1.CaptureService/Ingest" in carrying
    assert "/systemzero.diff.v1.DiffService/Check" in carrying
    assert "/systemzero.capture.v1.CaptureService/GetCapture" not in carrying
    assert all(METHODS[path].idempotent for path in carrying)
