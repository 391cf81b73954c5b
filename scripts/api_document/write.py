"""The contract's packages as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from google.protobuf.descriptor_pb2 import FieldDescriptorProto

from scripts.api_document.read import Enum, Field, Message, Method, Package, Service
from systemzero.policy.v1 import policy_pb2
from systemzero_gateway.access.policy import (
    DEFAULT_MAX_BYTES,
    PLATFORM_TENANT,
    Role,
    permissions_of,
)

_INTRODUCTION = f"""\
# API

Generated from [protos](../protos) by `make stubs`; `make ci` fails when it is stale. How to call it
from which language is in [clients](clients.md), why calls fail in [errors](errors.md).

Every call but health and reflection carries `authorization: Bearer …` with an API key or a token.
Beside each RPC stand the permission that it asks for, with the least role that has it; its cost in
units of the [rate limits](design/limits.md); how large a request message may be, where that is not
{DEFAULT_MAX_BYTES:,} bytes; whether it is idempotent, so that it may be sent twice; and whether
it is audited. `platform` is the tenant that administers the others.
"""
_SCALARS = {
    value: name.removeprefix("TYPE_").lower() for name, value in FieldDescriptorProto.Type.items()
}
_NAMED = (FieldDescriptorProto.TYPE_MESSAGE, FieldDescriptorProto.TYPE_ENUM)
_ABROAD = {
    "google.protobuf.Timestamp": "Timestamp",
    "google.protobuf.Duration": "Duration",
    "google.protobuf.FieldMask": "FieldMask",
}


def document(packages: Sequence[Package]) -> str:
    """The whole document."""
    lines = [_INTRODUCTION, *_contents(packages)]
    entries = {m.name: m for package in packages for m in package.messages if m.entry is not None}
    for package in packages:
        lines += ["", f"## {package.name}"]
        for service in package.services:
            lines += _service(service)
        for message in package.messages:
            if message.entry is None:
                lines += _message(message, entries)
        for enum in package.enums:
            lines += _enum(enum)
    return "\n".join(lines) + "\n"


def _contents(packages: Sequence[Package]) -> Iterator[str]:
    yield "| service | RPCs |"
    yield "|---|---|"
    for package in packages:
        for service in package.services:
            rpcs = ", ".join(
                f"[{m.proto.name}](#{_anchor(f'{service.name}.{m.proto.name}')})"
                for m in service.methods
            )
            yield f"| [{service.name}](#{_anchor(service.name)}) | {rpcs} |"


def _anchor(name: str) -> str:
    return name.lstrip(".").removeprefix("systemzero.").replace(".", "-").lower()


def _head(level: int, kind: str, name: str, comment: str) -> list[str]:
    short = name.rpartition(".")[2]
    return ["", f'<a id="{_anchor(name)}"></a>', "", f"{'#' * level} {kind}{short}", "", comment]


def _service(service: Service) -> Iterator[str]:
    yield from _head(3, "", service.name, service.comment)
    for method in service.methods:
        yield from _method(service.name, method)


def _method(service: str, method: Method) -> Iterator[str]:
    proto = method.proto
    yield from _head(4, "", f"{service}.{proto.name}", method.comment)
    asked = ("stream of " if proto.client_streaming else "") + _link(proto.input_type)
    answered = ("stream of " if proto.server_streaming else "") + _link(proto.output_type)
    yield ""
    yield f"{asked} → {answered} · {_policy(proto.options.Extensions[policy_pb2.access])}"


def _policy(access: policy_pb2.Access) -> str:
    permission = policy_pb2.Permission.Name(access.permission).removeprefix("PERMISSION_").lower()
    parts = [f"`{permission}` ({_who(permission)})", f"cost {access.cost or 1}"]
    if access.max_bytes:
        parts.append(f"at most {access.max_bytes:,} bytes")
    if access.max_stream_bytes:
        parts.append(f"at most {access.max_stream_bytes:,} bytes a stream")
    parts += ["idempotent"] * access.idempotent + ["audited"] * access.audit
    return " · ".join(parts)


def _who(permission: str) -> str:
    """The least role that has it, in a tenant and in the platform's own."""
    least, platform = (
        next((role.value for role in Role if permission in permissions_of(tenant, role)), "")
        for tenant in ("", PLATFORM_TENANT)
    )
    if platform and platform == least:
        return f"{least}, also of `{PLATFORM_TENANT}`"
    alone = f"{platform} of `{PLATFORM_TENANT}`" if platform else ""
    return " or ".join(filter(None, (least, alone))) or "nobody"


def _message(message: Message, entries: dict[str, Message]) -> Iterator[str]:
    yield from _head(3, "", message.name, message.comment)
    if not message.fields:
        return
    yield from ("", "| field | type | |", "|---|---|---|")
    for field in message.fields:
        one_of = f"One of *{field.oneof}*. " if field.oneof else ""
        comment = _cell(one_of + field.comment)
        name = f"`{field.proto.name}` = {field.proto.number}"
        yield f"| {name} | {_type(field, entries)} | {comment} |"


def _type(field: Field, entries: dict[str, Message]) -> str:
    proto = field.proto
    name = _link(proto.type_name) if proto.type in _NAMED else _SCALARS[proto.type]
    entry = entries.get(proto.type_name.lstrip("."))
    if entry is not None:
        key, value = (_type(one, entries) for one in entry.fields)
        return f"map of {key} to {value}"
    return f"repeated {name}" if proto.label == FieldDescriptorProto.LABEL_REPEATED else name


def _link(name: str) -> str:
    plain = name.lstrip(".")
    if not plain.startswith("systemzero."):
        return f"`{_ABROAD.get(plain, plain)}`"
    return f"[{plain.rpartition('.')[2]}](#{_anchor(plain)})"


def _enum(enum: Enum) -> Iterator[str]:
    yield from _head(3, "", enum.name, enum.comment)
    yield from ("", "| value | |", "|---|---|")
    for name, comment in enum.values:
        yield f"| `{name}` | {_cell(comment)} |"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
