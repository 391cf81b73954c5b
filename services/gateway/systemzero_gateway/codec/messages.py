"""The gateway's messages and its values."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from google.protobuf.timestamp_pb2 import Timestamp

from systemzero.gateway.v1 import auth_service_pb2 as pb
from systemzero.gateway.v1 import tenant_service_pb2 as tenant_pb
from systemzero_core.errors import InvalidInput
from systemzero_gateway.access.policy import Permissions, Role, permission_name, permission_value
from systemzero_gateway.access.quotas import Quotas
from systemzero_gateway.credentials import apikey
from systemzero_gateway.credentials.signing import SigningKey
from systemzero_gateway.credentials.tokens import ALGORITHM, Claims
from systemzero_gateway.store import KeyRecord, TenantRecord

_ROLES: dict[int, Role] = {
    pb.ROLE_VIEWER: Role.VIEWER,
    pb.ROLE_OPERATOR: Role.OPERATOR,
    pb.ROLE_ADMIN: Role.ADMIN,
}
_KINDS = {
    apikey.Kind.LIVE: pb.KEY_KIND_LIVE,
    apikey.Kind.PLATFORM: pb.KEY_KIND_PLATFORM,
}
_ROLE_VALUES = {role: value for value, role in _ROLES.items()}


def role_of(value: int, field: str) -> Role:
    """The role.

    Raises:
        InvalidInput: it is not set, or not one there is.
    """
    if value not in _ROLES:
        raise InvalidInput.at(field, "must be a role")
    return _ROLES[value]


def scopes_of(values: Iterable[int], field: str) -> tuple[str, ...]:
    """The names of permissions.

    Raises:
        InvalidInput: one of them is unspecified, or not one there is.
    """
    try:
        return tuple(permission_name(value) for value in values)
    except ValueError:
        raise InvalidInput.at(field, "must be permissions") from None


def microseconds_of(message: object, field: str) -> int | None:
    """The timestamp or duration in `field` of `message` in microseconds; None where it is not set.

    Raises:
        InvalidInput: it is out of range.
    """
    if not message.HasField(field):  # type: ignore[attr-defined]
        return None
    value = getattr(message, field)
    if not 0 <= value.nanos < 1_000_000_000 or abs(value.seconds) > 315_576_000_000:
        raise InvalidInput.at(field, "is out of range")
    return int(value.seconds * 1_000_000 + value.nanos // 1_000)


def timestamp(microseconds: int) -> Timestamp:
    """A time in microseconds since 1970 as a message."""
    result = Timestamp()
    result.FromMicroseconds(microseconds)
    return result


def optional_timestamp(microseconds: int | None) -> Timestamp | None:
    """As `timestamp`; None stays None, which is a field that is not set."""
    return None if microseconds is None else timestamp(microseconds)


def quotas_of(message: tenant_pb.Quotas) -> Quotas:
    """The quotas in a message.

    Raises:
        InvalidInput: one of them is not positive.
    """
    values = {}
    for field in Quotas.__struct_fields__:
        value = getattr(message, field)
        if message.HasField(field):  # type: ignore[arg-type] # one of its fields
            if not value > 0:
                raise InvalidInput.at(f"quotas.{field}", "must be above 0")
            values[field] = value
    return Quotas(**values)


def tenant(record: TenantRecord) -> tenant_pb.Tenant:
    """A tenant as a message."""
    quotas = msgspec.structs.asdict(record.quotas)
    return tenant_pb.Tenant(
        tenant_id=record.tenant,
        create_time=timestamp(record.create_time),
        suspend_time=optional_timestamp(record.suspend_time),
        quotas=tenant_pb.Quotas(**quotas),
    )


def introspection(claims: Claims, permissions: Permissions) -> pb.IntrospectTokenResponse:
    """An active token as a message, with what it may do now."""
    return pb.IntrospectTokenResponse(
        active=True,
        token_id=claims.jti,
        key_id=claims.sub,
        tenant=claims.tenant,
        role=_ROLE_VALUES[Role(claims.role)],  # type: ignore[arg-type] # the enum is an int
        scopes=[permission_value(name) for name in sorted(permissions)],  # type: ignore[misc]
        issuer=claims.iss,
        audience=claims.aud,
        issue_time=timestamp(claims.iat * 1_000_000),
        not_before_time=timestamp(claims.nbf * 1_000_000),
        expire_time=timestamp(claims.exp * 1_000_000),
    )


def jwk(key: SigningKey) -> pb.JsonWebKey:
    """The public half of a key as a message."""
    public = key.jwk.as_dict(private=False)
    return pb.JsonWebKey(
        kty=str(public["kty"]),
        crv=str(public["crv"]),
        x=str(public["x"]),
        kid=key.kid,
        use="sig",
        alg=ALGORITHM,
    )


def api_key(key: KeyRecord) -> pb.ApiKey:
    """A key as a message."""
    return pb.ApiKey(
        key_id=key.key_id,
        name=key.name,
        role=_ROLE_VALUES[Role(key.role)],  # type: ignore[arg-type] # the enum is an int
        scopes=[permission_value(name) for name in key.scopes],  # type: ignore[misc]
        kind=_KINDS[apikey.kind_of(key.tenant)],
        create_time=timestamp(key.create_time),
        expire_time=optional_timestamp(key.expire_time),
        revoke_time=optional_timestamp(key.revoke_time),
        last_use_time=optional_timestamp(key.last_use_time),
    )
