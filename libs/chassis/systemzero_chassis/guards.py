"""Guards: what stands around every RPC handler, whatever its arity.

A guard is an async context manager around one call. It sees the call before the handler does, and
the handler's error on its way out. All its work happens inside the wrapped handler: an exception
raised in grpc.aio's `intercept_service` itself would reach the client with its text.

Invariants:
1. The first guard is outermost.
2. `context.abort` raises `grpc.aio.AbortError`, which every guard lets through.
3. Requests are decoded inside the guards, so that bytes that are no message are refused with a
   reason, as any other bad input is. gRPC's own answer to them is INTERNAL.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    aclosing,
    asynccontextmanager,
)
from functools import cached_property
from typing import Any, TypeAlias

import grpc
from google.protobuf.message import DecodeError

from systemzero_chassis.errors import abort
from systemzero_chassis.identity import METADATA_KEY, IdentityVerifier, set_current_principal
from systemzero_core.errors import DeadlineExceeded, DomainError, InvalidInput

Context: TypeAlias = "grpc.aio.ServicerContext[Any, Any]"


class Call:
    """One call as guards see it."""

    __slots__ = ("__dict__", "context", "method")

    def __init__(self, method: str, context: Context) -> None:
        self.method = method
        self.context = context

    @cached_property
    def metadata(self) -> Mapping[str, str | bytes]:
        """The call's metadata; of a repeated key the last value."""
        return dict(self.context.invocation_metadata() or ())

    def text(self, key: str) -> str | None:
        """The metadata value of `key` if it is text, else None."""
        value = self.metadata.get(key)
        return value if isinstance(value, str) else None


Guard = Callable[[Call], AbstractAsyncContextManager[None]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


def guarded(handler: Handler, method: str, guards: Sequence[Guard]) -> Handler:
    """`handler` of `method`, of the same arity, with `guards` around it; it takes raw bytes."""
    decode = _decoder(handler)
    if handler.response_streaming:
        behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
        wrapped = _around_stream(behaviour, decode, method, guards)
    else:
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        wrapped = _around_unary(behaviour, decode, method, guards)
    return _MAKERS[handler.request_streaming, handler.response_streaming](
        wrapped, None, handler.response_serializer
    )


def _decoder(handler: Handler) -> Callable[[Any], Any]:
    """From what the transport hands over, bytes or an iterator of them, to what `handler` takes."""
    deserialise: Any = handler.request_deserializer
    if deserialise is None:
        return lambda request: request

    def one(request: bytes) -> Any:
        try:
            return deserialise(request)
        except DecodeError:
            raise InvalidInput("the request is no message of the method's type") from None

    async def each(requests: AsyncIterable[bytes]) -> AsyncIterator[Any]:
        async for request in requests:
            yield one(request)

    return each if handler.request_streaming else one


_MAKERS: dict[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _around_unary(behaviour: Any, decode: Any, method: str, guards: Sequence[Guard]) -> Any:
    async def handle(request: Any, context: Context) -> Any:
        call = Call(method, context)
        async with AsyncExitStack() as stack:
            for guard in guards:
                await stack.enter_async_context(guard(call))
            return await behaviour(decode(request), context)

    return handle


def _around_stream(behaviour: Any, decode: Any, method: str, guards: Sequence[Guard]) -> Any:
    async def handle(request: Any, context: Context) -> AsyncIterator[Any]:
        call = Call(method, context)
        async with AsyncExitStack() as stack:
            for guard in guards:
                await stack.enter_async_context(guard(call))
            # closed here, not when it is collected: its work ends before the guards see the end
            async with aclosing(behaviour(decode(request), context)) as responses:
                async for response in responses:
                    yield response

    return handle


def errors_guard(report: Callable[[Call, BaseException], None]) -> Guard:
    """Ends a call that raised with the rich status of its error; tells `report` of unknown ones."""

    @asynccontextmanager
    async def guard(call: Call) -> AsyncIterator[None]:
        try:
            yield
        except grpc.aio.AbortError:
            raise
        except TimeoutError:
            await abort(call.context, DeadlineExceeded("the deadline passed"))
        except DomainError as error:
            await abort(call.context, error)
        except Exception as error:  # noqa: BLE001 - the last line before the wire: nothing leaks
            report(call, error)
            await abort(call.context, error)

    return guard


def identity_guard(verifier: IdentityVerifier) -> Guard:
    """Refuses calls without a good internal identity; makes the principal the current one."""

    @asynccontextmanager
    async def guard(call: Call) -> AsyncIterator[None]:
        set_current_principal(*verifier.identify(call.text(METADATA_KEY)))
        yield

    return guard
