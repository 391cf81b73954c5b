"""Interceptors: what stands around every RPC handler, whatever its arity.

An interceptor is an async context manager around one call. It sees the call before the handler
does, and the handler's error on its way out. All its work happens inside the wrapped handler: an
exception raised in grpc.aio's `intercept_service` itself would reach the client with its text.

Invariants:
1. The first interceptor is outermost.
2. `context.abort` raises `grpc.aio.AbortError`, which every interceptor lets through.
3. Requests are decoded inside the interceptors, so that bytes that are no message are refused with
   a reason, as any other bad input is. gRPC's own answer to them is INTERNAL.

The interceptors of every call are classes, and nested once per method: a generator with
`contextmanager` and an `AsyncExitStack` cost each call several times as much.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from functools import partial
from traceback import clear_frames
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from systemzero_base.internal.identity import (
    METADATA_KEY,
    IdentityVerifier,
    set_current_principal,
)
from systemzero_base.telemetry.observed import Metadata, current_call
from systemzero_core.errors import (
    DeadlineExceeded,
    DomainError,
    InvalidInput,
    PermissionDenied,
    TooLarge,
    Unauthenticated,
)
from systemzero_wire.callers import callers_of
from systemzero_wire.errors import abort
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
    """`handler` of `method`, of the same arity, inside `interceptors`; it takes raw bytes."""
    decode = _decoder(handler)
    if handler.response_streaming:
        behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
        wrapped = _around_stream(behaviour, decode, method, interceptors)
    else:
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        wrapped = _around_unary(behaviour, decode, method, interceptors)
    return _MAKERS[handler.request_streaming, handler.response_streaming](
        wrapped, None, _serialiser(handler)
    )


def unread(handler: Handler) -> Handler:
    """`handler`, given requests in which trees and the like stay bytes: see `reader`."""
    deserialise: Any = handler.request_deserializer  # `FromString` of the request's class
    read = reader(deserialise.__self__)
    behaviour: Any = (
        handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    )
    make = _MAKERS[handler.request_streaming, handler.response_streaming]
    return make(behaviour, read, handler.response_serializer)


def _serialiser(handler: Handler) -> Callable[[Any], bytes]:
    """From what `handler` answers, a message or one that was serialised elsewhere, to bytes."""
    serialise: Any = handler.response_serializer
    if serialise is None:
        return lambda response: response
    return lambda response: response if type(response) is bytes else serialise(response)


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
    behaviour: Any, decode: Any, method: str, interceptors: Sequence[Interceptor]
) -> Any:
    most = _most_bytes(method)

    async def innermost(call: Call) -> Any:
        return _bounded(await behaviour(decode(call.take_request()), call.context), most)

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
    behaviour: Any, decode: Any, method: str, interceptors: Sequence[Interceptor]
) -> Any:
    most = _most_bytes(method)

    async def handle(request: Any, context: Context) -> AsyncIterator[Any]:
        call = Call(method, context, has_one_response=False)
        async with AsyncExitStack() as stack:
            for interceptor in interceptors:
                await stack.enter_async_context(interceptor(call))
            # closed here, not when it is collected: its work ends before the interceptors see the
            # end
            async with aclosing(behaviour(decode(request), context)) as responses:
                async for response in responses:
                    yield _bounded(response, most)

    return handle


def _most_bytes(method: str) -> int:
    """What one answer of a method has at most; what services ask each other for may be larger."""
    return MAX_ANSWER_BYTES if callers_of(method) is None else BACKEND_MESSAGE_BYTES


def _bounded(answer: Any, most: int) -> Any:
    """`answer`, a message or its bytes; the last resort where no handler knew its bound."""
    size = len(answer) if isinstance(answer, bytes) else answer.ByteSize()
    if size > most:
        raise TooLarge(
            f"the answer would have {size:,} bytes, more than the {most:,} that any "
            "answer may have: ask for less at a time",
            metadata={"limit": str(most), "actual": str(size)},
        )
    return answer


def errors_interceptor(report: Callable[[Call, BaseException], None]) -> Interceptor:
    """Ends a call that raised with the rich status of its error; tells `report` of unknown ones."""
    return partial(_Errors, report)


class _Errors(AbstractAsyncContextManager[None]):
    __slots__ = ("_call", "_report")

    def __init__(self, report: Callable[[Call, BaseException], None], call: Call) -> None:
        self._report = report
        self._call = call

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _kind: Any, error: BaseException | None, _traceback: Any) -> None:
        if error is None or not isinstance(error, Exception):
            return
        if isinstance(error, grpc.aio.AbortError):
            _empty(error)
            return
        if isinstance(error, TimeoutError):
            error = DeadlineExceeded("the deadline passed")
        elif not isinstance(error, DomainError):  # the last line before the wire: nothing leaks
            self._report(self._call, error)
        seen = current_call()
        if seen is not None and isinstance(error, DomainError):
            seen.reason = error.reason
        _empty(error)
        await abort(self._call.context, error)


def _empty(error: BaseException) -> None:
    """Have the frames that `error` came through let go of what they hold, such as the request.

    The errors of a call that failed are garbage in cycles, gRPC's own among them, which is found
    late: what a flood of refused calls sent would be in memory until then.
    """
    seen: set[int] = set()
    passed: BaseException | None = error
    while passed is not None and id(passed) not in seen:
        seen.add(id(passed))
        clear_frames(passed.__traceback__)
        passed = passed.__cause__ or passed.__context__


def identity_interceptor(
    verifier: IdentityVerifier, refused: Callable[[Call], None] = lambda _call: None
) -> Interceptor:
    """Refuses calls without a good internal identity; makes the principal the current one.

    An internal method is for the services alone that its policy names. `refused` is told of each
    call that is refused: in a platform that is set up well there is none.
    """
    return partial(_Identity, verifier, refused)


class _Identity(AbstractAsyncContextManager[None]):
    __slots__ = ("_call", "_refused", "_verifier")

    def __init__(
        self, verifier: IdentityVerifier, refused: Callable[[Call], None], call: Call
    ) -> None:
        self._verifier = verifier
        self._refused = refused
        self._call = call

    async def __aenter__(self) -> None:
        try:
            principal, issuer = self._verifier.identify(self._call.text(METADATA_KEY))
            _check_caller(self._call.method, issuer)
        except (PermissionDenied, Unauthenticated):
            self._refused(self._call)
            raise
        set_current_principal(principal)
        seen = current_call()
        if seen is not None:
            seen.tenant, seen.principal = principal.tenant, principal.principal_id

    async def __aexit__(self, *_error: object) -> None:
        return None


def _check_caller(method: str, issuer: str) -> None:
    callers = callers_of(method)
    if callers is not None and issuer not in callers:
        name = method.rpartition("/")[2]
        raise PermissionDenied(f"{name} is for the platform's own services: {_listed(callers)}")


def _listed(callers: frozenset[str]) -> str:
    return ", ".join(sorted(callers)) or "none"
