"""The way of a call to its backend and back: raw bytes, nothing decoded.

Invariants:
1. A backend sees the call's request id, its place in the trace and the gateway's signed identity,
   nothing else: no `sz-*` header of a client, no credential.
2. A backend's own failure (a rich status) reaches the client as it is; one that the transport made
   is replaced by the gateway's, since its text names addresses.
3. Whoever gives a call up, the other side's half ends too.
4. The one message of a call is read only when the call was let in, and kept no longer than it may
   be sent again.
5. A message is taken from one side only when the other had room for the one before, and of a stream
   only when the rates let it pass (`charging`).
6. A call is sent a second time only where the contract calls it idempotent, it has a request id if
   it can have one (else what a lost answer said would be done twice), the first attempt ended
   UNAVAILABLE before the first byte of a response, and the backend's budget has room for it; both
   attempts share one deadline.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import grpc

from systemzero_base.internal.identity import METADATA_KEY, IdentitySigner
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_gateway.access.caller import Caller, set_current_caller
from systemzero_gateway.access.policy import Method
from systemzero_gateway.backends.backend import Backend
from systemzero_gateway.config import DeadlineSettings
from systemzero_gateway.forwarding.admission import Admission
from systemzero_gateway.forwarding.deadlines import seconds_for
from systemzero_gateway.forwarding.forwarded import Forwarded
from systemzero_gateway.forwarding.streams import StreamCall
from systemzero_runtime.interceptors.chain import Context, Handler
from systemzero_runtime.interceptors.drain import Drain
from systemzero_runtime.serving.local import LocalChannel


class Forwarder:
    """Forwards the calls of one method to one backend."""

    def __init__(
        self,
        method: Method,
        backend: Backend,
        admission: Admission,
        signer: IdentitySigner,
        deadlines: DeadlineSettings,
        drain: Drain,
    ) -> None:
        self.method = method
        self.backend = backend
        self.admission = admission
        self.attempts = backend.attempts if method.idempotent and not method.client_streaming else 1
        self.drain = drain
        self._signer = signer
        self._deadlines = deadlines
        requests = "stream" if method.client_streaming else "unary"
        responses = "stream" if method.server_streaming else "unary"
        channel = backend.channel
        # made once: a multicallable holds its encoded method name
        self._open: Any = getattr(channel, f"{requests}_{responses}")(method.path, None, None)
        if method.client_streaming and not isinstance(channel, LocalChannel):
            self._open = partial(StreamCall, self._open)

    def handler(self) -> Handler:
        """The handler for a gRPC server; it takes and gives raw bytes.

        Of any method it takes a stream of requests: gRPC reads the message of one that has one
        message before it asks anybody, and whole. On the wire there is no difference.
        """
        if self.method.server_streaming:
            return grpc.stream_stream_rpc_method_handler(self.stream)
        return grpc.stream_unary_rpc_method_handler(self.unary)

    async def unary(self, _requests: AsyncIterator[bytes], context: Context) -> bytes:
        """Forward a call with one response."""
        lease = await self.admission.admit(self.method, context)
        try:
            forwarded = Forwarded(self, lease, context)
            await forwarded.take()
            while True:
                call = await forwarded.attempt()
                try:
                    response: bytes = await call
                    trailers = await call.trailing_metadata()
                except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
                    if not forwarded.goes_on_after(error):
                        await forwarded.fail(error)
                    await forwarded.back_off()
                else:
                    forwarded.succeed(trailers)
                    return response
        finally:
            lease.end("CANCELLED")  # unless it has ended otherwise

    async def stream(
        self, _requests: AsyncIterator[bytes], context: Context
    ) -> AsyncIterator[bytes]:
        """Forward a call with a stream of responses."""
        lease = await self.admission.admit(self.method, context)
        try:
            forwarded = Forwarded(self, lease, context)
            await forwarded.take()
            while True:
                call = await forwarded.attempt()
                try:
                    async for response in call:
                        forwarded.begin()
                        yield response
                        await forwarded.pay(len(response))
                    trailers = await call.trailing_metadata()
                except (grpc.aio.AioRpcError, asyncio.CancelledError) as error:
                    if not forwarded.goes_on_after(error):
                        await forwarded.fail(error)
                    await forwarded.back_off()
                else:
                    forwarded.succeed(trailers)
                    return
                finally:
                    call.cancel()
                    forwarded.over("CANCELLED")  # unless the attempt has ended otherwise
        finally:
            lease.end("CANCELLED")  # unless it has ended otherwise

    def open(self, request: Any, caller: Caller, client_span: ClientSpan, timeout: float) -> Any:
        """The call to the backend."""
        identity = self._signer.token(caller.principal, self.backend.name)
        set_current_caller(caller)
        metadata = (*client_span.metadata(), (METADATA_KEY, identity))
        return self._open(request, timeout=timeout, metadata=metadata)

    def timeout(self, remaining: float | None) -> float:
        """Seconds that the backend gets of the `remaining` ones, if the client set a deadline."""
        return seconds_for(self.method, remaining, self._deadlines)
