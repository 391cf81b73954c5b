"""Reads the one request message of calls that need no credential, within bounds.

gRPC reads the message before it calls any handler. It waits as long as the connection lasts, and
accepts as many bytes as a message may have. A caller who sent nothing, or half a message, was thus
counted nowhere and delayed the end of the process.

Invariants:
1. The number of such calls is bounded, in total and for each network; see `AnonymousStreams`.
2. `READ` of them are read at a time, and `OF_NETWORK` of one network. The others wait.
3. A call ends if its message has not arrived after `SECONDS`. `stop` ends all that wait.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any, Final

import grpc

from systemzero_base.settings.addresses import address_of, network_of
from systemzero_core.errors import DeadlineExceeded, InvalidInput
from systemzero_runtime.interceptors.chain import Context, Handler, decoded
from systemzero_runtime.serving.anonymous import AnonymousStreams
from systemzero_runtime.serving.ending import Endable

READ: Final = 64
OF_NETWORK: Final = 8
SECONDS: Final = 5.0
LAST_SECONDS: Final = 0.5
"""At a stop: who asks then is to hear how it goes."""
_END: Final[Any] = grpc.aio.EOF  # type: ignore[attr-defined]


class FirstMessages:
    """Waits for the messages of calls with one request, whose handlers it wraps."""

    def __init__(self, kind: str, total: int, of_network: int) -> None:
        """`total` and `of_network` are for calls of `kind` whose message is not there."""
        self.calls = AnonymousStreams(kind, total, of_network)
        self._reading = asyncio.Semaphore(READ)
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._of_network: Counter[str] = Counter()
        self._waiting = Endable()

    def stop(self) -> None:
        """End the calls that wait."""
        self._waiting.stop()

    def before(self, handler: Handler) -> Handler:
        """`handler`, called once its message is there; it takes raw bytes, as a stream."""
        inner: Any = handler
        if handler.request_streaming:
            return handler
        if not handler.response_streaming:

            async def unary(_requests: Any, context: Context) -> Any:
                return await inner.unary_unary(await self._message(inner, context), context)

            return grpc.stream_unary_rpc_method_handler(unary, None, inner.response_serializer)

        async def stream(_requests: Any, context: Context) -> AsyncIterator[Any]:
            request = await self._message(inner, context)
            async with aclosing(inner.unary_stream(request, context)) as responses:
                async for response in responses:
                    yield response

        return grpc.stream_stream_rpc_method_handler(stream, None, inner.response_serializer)

    async def _message(self, handler: Any, context: Context) -> Any:
        """The message of a call.

        Raises:
            Overloaded: as many calls wait for theirs as may.
            TooManyInFlight: the same of the caller's network.
            DeadlineExceeded: it did not come in time.
            InvalidInput: there is none, or it is no message of the method's type.
            Unavailable: the service is stopping.
        """
        with self.calls.open(context):
            raw = await self._read(context)
        if raw is _END:
            raise InvalidInput("the call has no message, and its method takes one")
        return decoded(handler.request_deserializer, raw)

    async def _read(self, context: Any) -> Any:
        network = network_of(address_of(context.peer()))
        turns = self._turns.setdefault(network, asyncio.Semaphore(OF_NETWORK))
        self._of_network[network] += 1
        try:
            with self._waiting.waiting():
                async with turns, self._reading:
                    async with asyncio.timeout(LAST_SECONDS if self._waiting.stopped else SECONDS):
                        return await context.read()
        except TimeoutError:
            raise DeadlineExceeded(
                f"the request was not there within {SECONDS:g} seconds"
            ) from None
        finally:
            self._of_network[network] -= 1
            if not self._of_network[network]:
                del self._of_network[network], self._turns[network]
