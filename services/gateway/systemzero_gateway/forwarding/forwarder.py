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
import random
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any, NoReturn

import grpc

from systemzero_base.internal.identity import METADATA_KEY, IdentitySigner
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_core.errors import (
    DeadlineExceeded,
    DomainError,
    Unavailable,
)
from systemzero_gateway.access.caller import Caller, set_current_caller
from systemzero_gateway.access.policy import Method
from systemzero_gateway.backends.backend import Backend
from systemzero_gateway.config import DeadlineSettings
from systemzero_gateway.failures import GONE, has_details, transport_failure
from systemzero_gateway.forwarding.admission import Admission
from systemzero_gateway.forwarding.deadlines import seconds_for
from systemzero_gateway.forwarding.lease import Lease
from systemzero_gateway.forwarding.requestid import has_request_id
from systemzero_gateway.forwarding.streams import StreamCall
from systemzero_runtime.interceptors.chain import Context, Handler
from systemzero_runtime.interceptors.drain import Drain, stopping
from systemzero_runtime.serving.local import LocalChannel
from systemzero_wire.errors import end


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


class Forwarded:
    """One call on its way through, in one attempt or more."""

    def __init__(
        self,
        forwarder: Forwarder,
        lease: Lease,
        context: Context,
    ) -> None:
        self._forwarder = forwarder
        self._lease = lease
        self._context = context
        self._refusal: DomainError | None = None
        self._pay = lease.responses()
        self._told_to_go = False
        self._request: Any = None
        self._begun = False
        self._attempts = 0
        self._client_span: ClientSpan | None = None
        self._deadline = time.monotonic() + forwarder.timeout(context.time_remaining())

    async def take(self) -> None:
        """Take what the client sends: one message here, many as they are asked for.

        Raises:
            DomainError: see `Lease.message`.
        """
        if self._forwarder.method.client_streaming:
            self._request = self._until_end()
            return
        try:
            self._request = await self._lease.message(self._context, self._left())
        except DomainError as error:
            self._lease.end(error.reason)
            raise

    async def attempt(self) -> Any:
        """Send the call to the backend.

        Raises:
            Unavailable: the backend is known not to answer.
        """
        forwarder = self._forwarder
        try:
            await forwarder.backend.reach(self._left())
        except Unavailable as error:
            self._lease.end(error.reason)
            raise
        self._attempts += 1
        self._client_span = ClientSpan(forwarder.method.path, forwarder.backend.name)
        request = self._request
        if self._attempts >= forwarder.attempts:
            self._request = None
        return forwarder.open(request, self._lease.caller, self._client_span, self._left())

    def over(self, status: str) -> None:
        """The attempt has ended; only the first status counts."""
        if self._client_span is not None:
            self._client_span.over(status)
            self._client_span = None

    def begin(self) -> None:
        """A message of the response has come."""
        if not self._begun:
            self._begun = True
            self._forwarder.backend.answered()

    async def pay(self, size: int) -> None:
        """Wait until the rates let another response pass after one of `size` bytes.

        Raises:
            DeadlineExceeded: they do not before the deadline.
            DomainError: see `charging.Responses`.
        """
        try:
            async with asyncio.timeout(self._left()):
                await self._pay(size)
        except TimeoutError:
            self._lease.end(DeadlineExceeded.reason)
            raise DeadlineExceeded("the deadline passed") from None
        except DomainError as error:
            self._lease.end(error.reason)
            raise

    def succeed(self, trailers: Any) -> None:
        """Hand on the trailers of a call that went well.

        Raises:
            Unavailable: it is a conversation that was cut short since the gateway is stopping.
        """
        self.begin()
        self.over("OK")
        if self._told_to_go:
            self._lease.end(Unavailable.reason)
            raise stopping()
        self._lease.end("")
        if trailers:  # else those that are set are all
            self._context.set_trailing_metadata(self._with(trailers))

    def goes_on_after(self, error: grpc.aio.AioRpcError | asyncio.CancelledError) -> bool:
        """Note how an attempt failed; whether there is to be another."""
        if isinstance(error, asyncio.CancelledError):
            self.over("CANCELLED")
            return False
        code, backend = error.code(), self._forwarder.backend
        self.over(code.name)
        if self._begun:
            return False
        if has_details(error):
            backend.answered()
        elif code in (*GONE, grpc.StatusCode.DEADLINE_EXCEEDED):
            backend.failed()
        return (
            code in GONE
            and self._attempts < self._forwarder.attempts
            and time.monotonic() < self._deadline
            and self._is_known_again()
            and backend.grants_retry()
        )

    async def back_off(self) -> None:
        """Wait until the channel has noticed what was lost: it would be chosen once more."""
        wait = self._forwarder.backend.back_off * random.uniform(0.5, 1.5)  # noqa: S311 - jitter
        await asyncio.sleep(min(wait, self._left()))

    def _is_known_again(self) -> bool:
        """Whether the backend would tell that a second attempt is one."""
        field = self._forwarder.method.request_id_field
        return not field or has_request_id(self._request, field)

    def _left(self) -> float:
        """Seconds until the deadline."""
        return max(0.0, self._deadline - time.monotonic())

    async def fail(self, error: grpc.aio.AioRpcError | asyncio.CancelledError) -> NoReturn:
        """End the client's call as the backend's ended."""
        if self._refusal is not None:
            self._lease.end(self._refusal.reason)
            raise self._refusal from None
        if isinstance(error, asyncio.CancelledError):
            self._lease.end("CANCELLED")
            raise error
        if has_details(error):
            self._lease.end(error.code().name)
            await end(
                self._context,
                error.code(),
                error.details() or "",
                self._with(error.trailing_metadata()),
            )
        replaced = transport_failure(error.code(), self._forwarder.backend.name)
        self._lease.end(replaced.reason)
        raise replaced from None

    async def _until_end(self) -> AsyncIterator[bytes]:
        """The client's messages, up to the moment at which a conversation is told to go."""
        drain, passed = self._forwarder.drain, self._passed()
        if not self._forwarder.method.server_streaming:
            async for message in passed:
                yield message
                del message  # the next one may be long in coming
            return
        async for message in drain.until_end(passed):
            yield message
            del message
        self._told_to_go = drain.draining

    async def _passed(self) -> AsyncIterator[bytes]:
        """The client's messages, as far as they keep to their bounds, each when its rate allows."""
        async with aclosing(self._lease.messages(self._context)) as messages:
            try:
                async for message in messages:
                    yield message
                    del message
            except DomainError as error:
                # A channel cancels a call whose requests raise, and keeps the reason to itself.
                self._refusal = error
                raise

    def _with(self, trailers: Any) -> tuple[tuple[str, str | bytes], ...]:
        """The gateway's trailers and those of the backend that are for clients."""
        own = tuple(self._context.trailing_metadata() or ())
        if not trailers:
            return own
        return (*own, *((key, value) for key, value in trailers if not key.startswith("sz-")))
