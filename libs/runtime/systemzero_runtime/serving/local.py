"""A channel to handlers of the same process: no socket, no HTTP/2, the same bytes and interceptors.

Generated stubs and raw-bytes callers use a `LocalChannel` as they use a `grpc.aio.Channel`. A call
with one response is done by the task that awaits it, and begins then: a task of its own, and the
waking of one by the other, would cost more than most calls do. A call with a stream has a task.

Invariants:
1. Messages cross as serialised bytes: neither side can change the other's objects.
2. A call that the caller gives up is cancelled; so is one whose deadline passes.
3. What a handler sets of context variables, such as the principal, its caller never sees.
4. A stream is flow-controlled: at most one response waits for the caller.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterable, AsyncIterator, Callable, Coroutine, Generator
from contextlib import aclosing
from contextvars import copy_context
from typing import Any, NoReturn

import grpc

from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_runtime.serving.registry import HandlerRegistry

Metadata = tuple[tuple[str, str | bytes], ...]
_END = object()


class LocalContext:
    """What a handler sees of a local call: the part of the server context that handlers use."""

    def __init__(self, metadata: Metadata, timeout: float | None) -> None:
        self._metadata = metadata
        self._trailing: Metadata = ()
        self._code = grpc.StatusCode.OK
        self._deadline = None if timeout is None else time.monotonic() + timeout

    def invocation_metadata(self) -> Any:
        return self._metadata

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._trailing = tuple(trailing_metadata)

    def trailing_metadata(self) -> Any:
        return self._trailing

    def time_remaining(self) -> Any:
        if self._deadline is None:
            return None
        return max(0.0, self._deadline - time.monotonic())

    def peer(self) -> str:
        return "local"

    def code(self) -> grpc.StatusCode:
        return self._code

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()
    ) -> NoReturn:
        self._code = code
        # as grpc.aio: what is given here replaces what was set
        raise _LocalAbort(code, details, tuple(trailing_metadata) or self._trailing)


class _LocalAbort(grpc.aio.AbortError):
    """Carries the status from the handler to the caller, through every interceptor."""

    def __init__(self, code: grpc.StatusCode, details: str, trailing: Metadata) -> None:
        super().__init__(details)
        self.error = _error(code, details, trailing)


def _error(code: grpc.StatusCode, details: str, trailing: Metadata = ()) -> grpc.aio.AioRpcError:
    empty = grpc.aio.Metadata()
    return grpc.aio.AioRpcError(code, empty, grpc.aio.Metadata(*trailing), details, None)


class LocalChannel(ReachableChannel):
    """Calls the handlers of `registry`."""

    def __init__(self, registry: HandlerRegistry) -> None:
        self._registry = registry

    def unary_unary(self, method: str, *serialisers: Any, **keywords: Any) -> Any:
        return self._multicallable(LocalUnaryCall, method, *serialisers, **keywords)

    def stream_unary(self, method: str, *serialisers: Any, **keywords: Any) -> Any:
        return self._multicallable(LocalUnaryCall, method, *serialisers, **keywords)

    def unary_stream(self, method: str, *serialisers: Any, **keywords: Any) -> Any:
        return self._multicallable(LocalStreamCall, method, *serialisers, **keywords)

    def stream_stream(self, method: str, *serialisers: Any, **keywords: Any) -> Any:
        return self._multicallable(LocalStreamCall, method, *serialisers, **keywords)

    def _multicallable(
        self,
        kind: type[LocalCall],
        method: str,
        request_serializer: Callable[[Any], bytes] | None = None,
        response_deserializer: Callable[[bytes], Any] | None = None,
        _registered_method: bool | None = None,
    ) -> Callable[..., LocalCall]:
        def call(
            request: Any, *, timeout: float | None = None, metadata: Any = None, **_ignored: Any
        ) -> LocalCall:
            context = LocalContext(tuple(metadata or ()), timeout)
            handler = self._registry.find(method)
            return kind(
                handler, request, context, timeout, request_serializer, response_deserializer
            )

        return call

    async def close(self, grace: float | None = None) -> None:
        """Nothing is held."""

    async def __aenter__(self) -> LocalChannel:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return grpc.ChannelConnectivity.READY

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await asyncio.Event().wait()

    async def channel_ready(self) -> None:
        """It always is."""

    @property
    def is_ready(self) -> bool:
        """It always is."""
        return True

    async def reach(self, seconds: float) -> bool:
        """It always is."""
        return True


class LocalCall:
    """What the two kinds of call share: the handler, (de)serialisation and the deadline."""

    def __init__(
        self,
        handler: Any,
        request: Any,
        context: LocalContext,
        timeout: float | None,
        serialise: Callable[[Any], bytes] | None,
        deserialise: Callable[[bytes], Any] | None,
    ) -> None:
        self._handler = handler
        self._request = request
        self._context = context
        self._timeout = timeout
        self._serialise = serialise or bytes
        self._deserialise = deserialise

    async def _run(self) -> Any:
        try:
            if self._handler is None:
                raise _error(grpc.StatusCode.UNIMPLEMENTED, "no such method")
            async with asyncio.timeout(self._timeout):
                return await self._handle()
        except _LocalAbort as abort:
            raise abort.error from None
        except TimeoutError:
            raise _error(grpc.StatusCode.DEADLINE_EXCEEDED, "the deadline passed") from None

    async def _handle(self) -> Any:
        raise NotImplementedError

    def _taken(self) -> Any:
        """The request as the handler takes it: one message, or an iterator of them."""
        request, self._request = self._request, None  # the handler has it from now on
        if not self._handler.request_streaming:
            return self._to_handler(request)
        return self._each_to_handler(request)

    def _to_handler(self, message: Any) -> Any:
        deserialise = self._handler.request_deserializer
        data = self._serialise(message)
        return deserialise(data) if deserialise else data

    async def _each_to_handler(self, messages: Any) -> AsyncIterator[Any]:
        if isinstance(messages, AsyncIterable):
            async for message in messages:
                yield self._to_handler(message)
        else:
            for message in messages:
                yield self._to_handler(message)

    def _from_handler(self, message: Any) -> Any:
        serialise = self._handler.response_serializer
        data = serialise(message) if serialise else message
        return self._deserialise(data) if self._deserialise else data


class LocalUnaryCall(LocalCall):
    """A call with one response: await it, once. Cancelled is whoever awaits it."""

    async def _handle(self) -> Any:
        handler = self._handler
        behaviour = handler.stream_unary if handler.request_streaming else handler.unary_unary
        return self._from_handler(await behaviour(self._taken(), self._context))

    def __await__(self) -> Generator[Any, None, Any]:
        return _in_own_context(self._run())

    async def trailing_metadata(self) -> Any:
        """The trailers; complete once the response is there."""
        return self._context.trailing_metadata()


def _in_own_context(work: Coroutine[Any, None, Any]) -> Generator[Any, Any, Any]:
    """Do `work` in the current task, but for the context: a copy, as a task of its own has.

    As the task does it: whatever is waited for goes out to it, what comes of that goes back in.
    """
    context, value = copy_context(), None
    step: Callable[[Any], Any] = work.send
    while True:
        try:
            awaited = context.run(step, value)
        except StopIteration as done:
            return done.value
        try:
            step, value = work.send, (yield awaited)
        except BaseException as error:  # noqa: BLE001 - handed on, above all a cancellation
            step, value = work.throw, error


class LocalStreamCall(LocalCall):
    """A call with a stream of responses: iterate over it."""

    def __init__(self, *arguments: Any) -> None:
        self._responses: asyncio.Queue[Any] = asyncio.Queue(maxsize=1)
        super().__init__(*arguments)
        self._task = asyncio.create_task(self._run())
        self._task.add_done_callback(self._ended)

    async def _handle(self) -> None:
        handler = self._handler
        behaviour = handler.stream_stream if handler.request_streaming else handler.unary_stream
        async with aclosing(behaviour(self._taken(), self._context)) as responses:
            async for response in responses:
                await self._responses.put(self._from_handler(response))

    async def _run(self) -> None:
        try:
            await super()._run()
        except Exception as error:  # noqa: BLE001 - handed to the caller, who iterates
            await self._responses.put(error)
        else:
            await self._responses.put(_END)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        """Wake who waits for a response of a call that was cancelled: there will be none."""
        if task.cancelled():
            while not self._responses.empty():
                self._responses.get_nowait()
            self._responses.put_nowait(asyncio.CancelledError())

    async def __aiter__(self) -> AsyncIterator[Any]:
        try:
            while (response := await self._responses.get()) is not _END:
                if isinstance(response, BaseException):
                    raise response
                yield response
        finally:
            self._task.cancel()

    def cancel(self) -> bool:
        """Give the call up."""
        return self._task.cancel()

    async def trailing_metadata(self) -> Any:
        """The trailers; waits for the call's end."""
        if not self._task.done():
            await asyncio.wait([self._task])
        return self._context.trailing_metadata()
