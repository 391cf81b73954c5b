"""A server of the contract that means harm: named methods answer as a test says, all others not.

It is a fake of a server, on a real port, with threads of its own, so that `sz` can run beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message

from systemzero_client.contract import idempotent_methods

HARM = "\x1b[2J\x1b]52;c;aGFybQ==\x07\u202egnp.exe\u2066\x9b31m\x85\r\nsz: done\u2028\x00\x7f"
"""Clears a terminal, fills its clipboard, turns text round, begins lines of its own."""

Behaviour = Callable[[Any, grpc.ServicerContext], Any]

_SERVICES = {name.service for name in idempotent_methods()}
_MOST_DEEP = 4


def methods() -> Iterator[MethodDescriptor]:
    """Every method of the contract that a client can call."""
    pool = descriptor_pool.Default()
    for name in sorted(_SERVICES):
        yield from pool.FindServiceByName(name).methods


@contextmanager
def hostile(behaviour: Callable[[MethodDescriptor], Behaviour | None]) -> Iterator[str]:
    """The target of a server whose every method does what `behaviour` has for it."""
    threads = ThreadPoolExecutor(8)
    server = grpc.server(threads)
    for method in methods():
        found = behaviour(method)
        if found is not None:
            _add(server, method, found)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.stop(0).wait()
        threads.shutdown()


def _add(server: grpc.Server, method: MethodDescriptor, behaviour: Behaviour) -> None:
    kind = ("unary", "stream")
    make = getattr(
        grpc,
        f"{kind[method.client_streaming]}_{kind[method.server_streaming]}_rpc_method_handler",
    )
    handler = make(
        behaviour,
        message_factory.GetMessageClass(method.input_type).FromString,
        lambda sent: sent if isinstance(sent, bytes) else sent.SerializeToString(),
    )
    service = method.containing_service.full_name
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {method.name: handler}),)
    )


def answering(answers: dict[str, Any]) -> Callable[[MethodDescriptor], Behaviour | None]:
    """Methods by name: each answers with a message, or does what a function says."""

    def behaviour(method: MethodDescriptor) -> Behaviour | None:
        answer = answers.get(method.name)
        if answer is None or callable(answer):
            return answer
        return lambda request, context: answer

    return behaviour


def poisoned(kind: Any, *, text: str = HARM, number: int = 1, depth: int = 0) -> Message:
    """A message of a class with `text` in every text, `number` in every number, nothing empty."""
    message: Message = kind()
    for field in kind.DESCRIPTOR.fields:
        if field.containing_oneof is not None and field.containing_oneof.fields[0] is not field:
            continue
        if field.name == "next_page_token" or depth > _MOST_DEEP:
            continue
        _fill(message, field, text, number, depth)
    return message


def _fill(message: Any, field: FieldDescriptor, text: str, number: int, depth: int) -> None:
    entry = field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return
    if entry is not None:
        made = message_factory.GetMessageClass(entry)
        value: Any = poisoned(made, text=text, number=number, depth=depth + 1)
    else:
        value = _value(field, text, number)
    if field.is_repeated:
        getattr(message, field.name).extend([value, value])
    elif entry is not None:
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


def _value(field: FieldDescriptor, text: str, number: int) -> Any:
    if field.type == FieldDescriptor.TYPE_BYTES:
        return text.encode()
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            return text
        case FieldDescriptor.CPPTYPE_BOOL:
            return True
        case FieldDescriptor.CPPTYPE_FLOAT | FieldDescriptor.CPPTYPE_DOUBLE:
            return float(number)
        case FieldDescriptor.CPPTYPE_INT64 | FieldDescriptor.CPPTYPE_UINT64:
            return number
    return min(number, 2**31 - 1)


def poisoning(*, text: str = HARM, number: int = 1) -> Callable[[MethodDescriptor], Behaviour]:
    """Every method answers with a poisoned message; a capture is the one that was asked for."""

    def behaviour(method: MethodDescriptor) -> Behaviour:
        kind = message_factory.GetMessageClass(method.output_type)
        answer: Any = poisoned(kind, text=text, number=number)

        def unary(request: Any, context: grpc.ServicerContext) -> Any:
            if method.name == "GetCapture":
                answer.capture.capture_id = request.capture_id
            return answer

        def stream(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            yield answer

        def duplex(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
            for index, _ in enumerate(requests):
                answer.index = index
                yield answer

        if method.client_streaming:
            return duplex
        return stream if method.server_streaming else unary

    return behaviour
