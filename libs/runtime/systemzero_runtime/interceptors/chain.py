"""Interceptors: what stands around every RPC handler, whatever its arity.

An interceptor is an async context manager around one call. It sees the call before the handler
does, and the handler's error on its way out. All its work happens inside the wrapped handler: an
exception raised in grpc.aio's `intercept_service` itself would reach the client with its text.

Invariants:
1. The first interceptor is outermost.
2. `context.abort` raises `grpc.aio.AbortError`, which every interceptor lets through.
3. Requests are decoded inside the interceptors, so that bytes that are no message are refused with
   a reason, as any other bad input is. gRPC's own answer to them is INTERNAL.
4. Answers are encoded inside them, once, and held to their bound by the bytes that they are: to ask
   a message for its size costs as much as to encode it.

The interceptors of every call are classes, and nested once per method: a generator with
`contextmanager` and an `AsyncExitStack` cost each call several times as much.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from functools import partial
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from systemzero_base.telemetry.observed import Metadata
from systemzero_core.errors import InvalidInput, TooLarge
from systemzero_wire.callers import callers_of
from systemzero_wire.unread import reader

MAX_ANSWER_BYTES = 8_000_000
"""What one answer has at most, of a method that clients call."""
BACKEND_MESSAGE_BYTES = 64_000_000
"""The largest message between services: a tree of 200,000 nodes, as protobuf. What comes from
outside was held to its own, smaller bound by the gateway."""

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Call:
    """One call as interceptors see it."""

    __slots__ = ("_pairs", "_request", "context", "has_one_response", "method")

    def __init__(
        self, method: str, context: Context, request: Any = None, *, has_one_response: bool = True
    ) -> None:
        """`request` is what the handler takes, where no interceptor's frame is to hold it."""
        self._request = request
        self.method = method
        self.context = context
        self.has_one_response = has_one_response
        self._pairs: Metadata | None = None

    def take_request(self) -> Any:
        """The request, for the one who decodes it; nothing of it is left here."""
        request, self._request = self._request, None
        return request

    @property
    def pairs(self) -> Metadata:
        """The call's metadata as they came."""
        if self._pairs is None:  # gRPC converts them anew each time
            pairs: Any = self.context.invocation_metadata()
            self._pairs = pairs or ()
        return self._pairs

    @property
    def metadata(self) -> Mapping[str, str | bytes]:
        """The call's metadata; of a repeated key the last value."""
        return dict(self.pairs)

    def text(self, key: str) -> str | None:
        """The metadata value of `key` if it is text, else None."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None


Interceptor = Callable[[Call], AbstractAsyncContextManager[None]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


def intercepted(handler: Handler, method: str, interceptors: Sequence[Interceptor]) -> Handler:
    """`handler` of `method`, of the same arity, inside `interceptors`; raw bytes in and out."""
    decode, encode = _decoder(handler), _encoder(handler, method)
    if handler.response_streaming:
        behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
        wrapped = _around_stream(behaviour, decode, encode, method, interceptors)
    else:
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        wrapped = _around_unary(behaviour, decode, encode, method, interceptors)
    return _MAKERS[handler.request_streaming, handler.response_streaming](wrapped, None, None)


def unread(handler: Handler) -> Handler:
    """`handler`, given requests in which trees and the like stay bytes: see `reader`."""
    deserialise: Any = handler.request_deserializer  # `FromString` of the request's class
    read = reader(deserialise.__self__)
    behaviour: Any = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )
    make = _MAKERS[handler.request_streaming, handler.response_streaming]
    return make(behaviour, read, handler.response_serializer)


def _encoder(handler: Handler, method: str) -> Callable[[Any], bytes]:
    """From what `handler` answers, a message or one that was serialised elsewhere, to bytes."""
    serialise: Any = handler.response_serializer
    most = _most_bytes(method)

    def encode(answer: Any) -> bytes:
        is_encoded = serialise is None or type(answer) is bytes
        return _bounded(answer if is_encoded else serialise(answer), most)

    return encode


def decoded(deserialise: Callable[[bytes], Any], request: bytes) -> Any:
    """The message of `request`.

    Raises:
        InvalidInput: it is none of the method's type.
    """
    try:
        return deserialise(request)
    except DecodeError:
        raise InvalidInput("the request is no message of the method's type") from None


def _decoder(handler: Handler) -> Callable[[Any], Any]:
    """From what the transport hands over, bytes or an iterator of them, to what `handler` takes."""
    deserialise: Any = handler.request_deserializer
    if deserialise is None:
        return lambda request: request

    one = partial(decoded, deserialise)

    async def each(requests: AsyncIterable[bytes]) -> AsyncIterator[Any]:
        async for request in requests:
            message = one(request)
            del request  # as bytes it is of no use beside the message that it is decoded to
            yield message
            del message  # the next one may be long in coming

    return each if handler.request_streaming else one


_MAKERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _around_unary(
    behaviour: Any, decode: Any, encode: Any, method: str, interceptors: Sequence[Interceptor]
) -> Any:
    async def innermost(call: Call) -> Any:
        return encode(await behaviour(decode(call.take_request()), call.context))

    intercepted_call: Any = innermost
    for interceptor in reversed(interceptors):
        intercepted_call = _inside(interceptor, intercepted_call)

    async def handle(request: Any, context: Context) -> Any:
        call = Call(method, context, request)
        del request  # as bytes it is of no use beside the message that it is decoded to
        return await intercepted_call(call)

    return handle


def _inside(interceptor: Interceptor, inner: Any) -> Any:
    async def handle(call: Call) -> Any:
        async with interceptor(call):
            return await inner(call)

    return handle


def _around_stream(
    behaviour: Any, decode: Any, encode: Any, method: str, interceptors: Sequence[Interceptor]
) -> Any:
    async def handle(request: Any, context: Context) -> AsyncIterator[bytes]:
        call = Call(method, context, has_one_response=False)
        async with AsyncExitStack() as stack:
            for interceptor in interceptors:
                await stack.enter_async_context(interceptor(call))
            # closed here, not when it is collected: its work ends before the interceptors see the
            # end
            async with aclosing(behaviour(decode(request), context)) as responses:
                async for response in responses:
                    yield encode(response)

    return handle


def _most_bytes(method: str) -> int:
    """What one answer of a method has at most; what services ask each other for may be larger."""
    return MAX_ANSWER_BYTES if callers_of(method) is None else BACKEND_MESSAGE_BYTES


def _bounded(answer: bytes, most: int) -> bytes:
    """`answer`; the last resort where no handler knew its bound."""
    if len(answer) > most:
        raise TooLarge(
            f"the answer would have {len(answer):,} bytes, more than the {most:,} that any "
            "answer may have: ask for less at a time",
            metadata={"limit": str(most), "actual": str(len(answer))},
        )
    return answer
