"""Every RPC of the contract, walked by descriptor: nonsense is answered with a reason, never a bug.

The walk needs no list of methods, so a new RPC is in it from its first day.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from tests.support.exposed import METHODS
from tests.support.patience import PATIENCE
from tests.support.platform import Platform

WATCH_SECONDS = 0.3
ROUNDS = 12
BUGS = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.UNIMPLEMENTED)

TEXTS = (
    "", "x", "x" * 20_000, "line\nbreak\r\x00\x1b[31m", "\u202eoverride\ufeff\U0010ffff",
    "../../etc", "'; DROP TABLE events; --", "%s{}", "cap_00000000000000000000000000000000",
)  # fmt: skip
INTEGERS = (0, 1, -1, 2**31 - 1, -(2**31))
WIDE = (*INTEGERS, 2**63 - 1, -(2**63))
NUMBERS = (0.0, -1.0, 1e308, float("nan"), float("inf"), float("-inf"))
BYTES = (
    b"",
    b"\xff",
    b"\x00" * 31,
    b"\x00" * 32,
    b"{" * 5_000,
    b"<a>",
    b'{"nodes": [{"nodeId": 1}]}',
)

_VALUES: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.CPPTYPE_STRING: TEXTS,
    FieldDescriptor.CPPTYPE_INT32: INTEGERS,
    FieldDescriptor.CPPTYPE_INT64: WIDE,
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 2**64 - 1),
    FieldDescriptor.CPPTYPE_BOOL: (False, True),
    FieldDescriptor.CPPTYPE_DOUBLE: NUMBERS,
    FieldDescriptor.CPPTYPE_FLOAT: NUMBERS,
    FieldDescriptor.CPPTYPE_ENUM: (0, 1, 2, 99, -7),
}


@pytest.mark.parametrize("path", sorted(METHODS))
def test_an_empty_request_is_answered_or_refused_with_a_reason(
    platform: Platform, path: str
) -> None:
    method = METHODS[path]
    called(platform, method, [GetMessageClass(method.input_type)()])


@pytest.mark.parametrize("path", sorted(METHODS))
def test_garbage_in_every_field_is_answered_or_refused_with_a_reason(
    platform: Platform, path: str
) -> None:
    method, chance = METHODS[path], random.Random(path)  # noqa: S311 - no secret
    for _ in range(ROUNDS):
        called(platform, method, [garbage(GetMessageClass(method.input_type), chance)])
    assert "Traceback" not in platform.log.read_text()


@pytest.mark.parametrize("path", sorted(METHODS))
def test_bytes_that_are_no_message_are_refused_with_a_reason(platform: Platform, path: str) -> None:
    code = called(platform, METHODS[path], [b"\xff\xff\xff\x07no message"])
    assert code is not grpc.StatusCode.OK


def called(platform: Platform, method: MethodDescriptor, requests: list[Message | bytes]) -> Any:
    """Call `method`; the status code, which is none that tells of a bug and comes with a reason."""
    metadata = [("authorization", f"Bearer {platform.admin_key}")]
    path = f"/{method.containing_service.full_name}/{method.name}"
    watch = method.name.startswith("Watch")
    error = _error(platform.target, path, method, requests, metadata, watch)
    if error is None:
        return grpc.StatusCode.OK
    code = error.code()
    assert code not in BUGS, (path, code, error.details(), requests)
    if not (watch and code is grpc.StatusCode.DEADLINE_EXCEEDED):
        assert _reason(error), (path, code, error.details(), requests)
    return code


def _error(
    target: str,
    path: str,
    method: MethodDescriptor,
    requests: list[Any],
    metadata: Any,
    watch: bool,
) -> Any:
    """The error that ends the call, or None."""
    with grpc.insecure_channel(target) as channel:
        arity = "stream_" if method.client_streaming else "unary_"
        arity += "stream" if method.server_streaming else "unary"
        start: Callable[..., Any] = getattr(channel, arity)(path, request_serializer=_wire)
        request: Any = iter(requests) if method.client_streaming else requests[0]
        deadline = WATCH_SECONDS if watch else PATIENCE
        try:
            answer = start(request, metadata=metadata, timeout=deadline)
            if method.server_streaming:
                list(answer)
        except grpc.RpcError as error:
            return error
    return None


def _wire(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


def _reason(error: Any) -> str:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Unpack(info):
            return str(info.reason)
    return ""


def garbage(kind: Any, chance: random.Random, depth: int = 0) -> Any:
    """A message of `kind` in which most fields are set, to what nobody would send in good faith."""
    message = kind()
    for field in kind.DESCRIPTOR.fields:
        if chance.random() < 0.25:
            continue
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            _into_map(getattr(message, field.name), field, chance)
        elif field.is_repeated:
            getattr(message, field.name).extend(_several(field, chance, depth))
        elif field.message_type is not None:
            if depth < 4:
                inner = garbage(GetMessageClass(field.message_type), chance, depth + 1)
                getattr(message, field.name).CopyFrom(inner)
        else:
            setattr(message, field.name, _scalar(field, chance))
    return message


def _several(field: Any, chance: random.Random, depth: int) -> Iterator[Any]:
    for _ in range(chance.randrange(4)):
        if field.message_type is None:
            yield _scalar(field, chance)
        elif depth < 4:
            yield garbage(GetMessageClass(field.message_type), chance, depth + 1)


def _scalar(field: Any, chance: random.Random) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return chance.choice(BYTES)
    return chance.choice(_VALUES[field.cpp_type])


def _into_map(target: Any, field: Any, chance: random.Random) -> None:
    value = field.message_type.fields_by_name["value"]
    if value.message_type is None:
        target[chance.choice(TEXTS)] = chance.choice(_VALUES[value.cpp_type])
