"""Access policy: what each RPC asks for, read from the contract's descriptors, and who holds what.

Invariants:
1. A method without a policy, with the permission UNSPECIFIED, or for the platform's own services
   alone (`internal`), is not in the table: it is denied.
2. A scope never adds a permission to a role; it only leaves some.
3. Tenants are managed from the platform's own tenant alone, and there is nothing else in it: its
   keys reach no captures, templates, events or evidence, whatever their role.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

import msgspec
from google.protobuf.descriptor import MethodDescriptor

from systemzero.policy.v1 import policy_pb2

DEFAULT_MAX_BYTES: Final = 5_000_000
"""Bytes that a request message may have where its method says nothing."""

Permissions = frozenset[str]
"""Names as the contract has them, in lower case and without prefix: `capture_write`."""

_PREFIX: Final = "PERMISSION_"
_REQUEST_ID: Final = "request_id"

PLATFORM_TENANT: Final = "platform"
"""The tenant that administers the others."""


class Role(StrEnum):
    """A named set of permissions."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Method(msgspec.Struct, frozen=True):
    """One RPC and its policy.

    `cost` in rate-limit units, `max_bytes` of one request message, `max_stream_bytes` of all those
    of one stream together (0: the platform's default). `idempotent` calls may be sent twice, those
    that can carry a request id, in the field numbered `request_id_field`, where they have one.
    """

    path: str
    permission: str
    cost: int = 1
    max_bytes: int = DEFAULT_MAX_BYTES
    audit: bool = False
    client_streaming: bool = False
    server_streaming: bool = False
    max_stream_bytes: int = 0
    idempotent: bool = False
    request_id_field: int = 0

    @property
    def is_stream(self) -> bool:
        """Whether either side may send more than one message."""
        return self.client_streaming or self.server_streaming


def permission_name(value: int) -> str:
    """The name of a value of the contract's enum.

    Raises:
        ValueError: there is no such value, or it is UNSPECIFIED.
    """
    name = policy_pb2.Permission.Name(value)  # type: ignore[arg-type]
    if value == policy_pb2.PERMISSION_UNSPECIFIED:
        raise ValueError("the permission is not specified")
    return name.removeprefix(_PREFIX).lower()


def permission_value(name: str) -> int:
    """The contract's value of the permission `name`."""
    return policy_pb2.Permission.Value(_PREFIX + name.upper())


ALL: Final = frozenset(permission_name(v) for v in policy_pb2.Permission.values() if v)
_VIEWER: Final = frozenset(
    {
        "capture_read",
        "template_read",
        "diff_run",
        "event_read",
        "log_read",
        "token_issue",
        "status_read",
        "tenant_read",
    }
)
_OPERATOR: Final = _VIEWER | {
    "capture_write",
    "template_write",
    "template_delete",
    "event_decide",
    "token_introspect",
}
ROLE_PERMISSIONS: Final[Mapping[Role, Permissions]] = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.ADMIN: ALL,
}


PLATFORM_PERMISSIONS: Final = frozenset(
    {
        "tenant_manage",
        "tenant_read",
        "audit_read",
        "key_manage",
        "token_issue",
        "token_introspect",
        "status_read",
    }
)
"""All that anybody of the platform's own tenant may do."""
_PLATFORM_ALONE: Final = frozenset({"tenant_manage"})


def permissions_of(tenant: str, role: Role) -> Permissions:
    """The permissions of `role` in `tenant`."""
    if tenant == PLATFORM_TENANT:
        return ROLE_PERMISSIONS[role] & PLATFORM_PERMISSIONS
    return ROLE_PERMISSIONS[role] - _PLATFORM_ALONE


def granted(tenant: str, role: Role, scopes: Iterable[str]) -> Permissions:
    """What a key of `tenant` may do: all of its role, or where it has `scopes`, only those."""
    wanted, held = frozenset(scopes), permissions_of(tenant, role)
    return held & wanted if wanted else held


def is_full_admin(tenant: str, role: Role, scopes: Iterable[str]) -> bool:
    """Whether a key of `tenant` may do all that anybody there may."""
    return granted(tenant, role, scopes) == permissions_of(tenant, Role.ADMIN)


def methods_with_policy(descriptors: Mapping[str, MethodDescriptor]) -> dict[str, Method]:
    """The methods that may be called from outside at all, by path."""
    found = {}
    for path, descriptor in descriptors.items():
        access = descriptor.GetOptions().Extensions[policy_pb2.access]
        if access.permission and not access.internal:
            request_id = descriptor.input_type.fields_by_name.get(_REQUEST_ID)
            found[path] = Method(
                path=path,
                permission=permission_name(access.permission),
                cost=access.cost or 1,
                max_bytes=access.max_bytes or DEFAULT_MAX_BYTES,
                audit=access.audit,
                idempotent=access.idempotent,
                client_streaming=descriptor.client_streaming,
                server_streaming=descriptor.server_streaming,
                max_stream_bytes=access.max_stream_bytes,
                request_id_field=0 if request_id is None else request_id.number,
            )
    return found
