"""One call on its way to a backend and back, in one attempt or more: see `forwarder`."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, NoReturn

import grpc

from systemzero_base.telemetry.observed import ClientSpan
from systemzero_core.errors import DeadlineExceeded, DomainError, Unavailable
from systemzero_gateway.failures import GONE, has_details, transport_failure
from systemzero_gateway.forwarding.lease import Lease
from systemzero_gateway.forwarding.requestid import has_request_id
from systemzero_runtime.interceptors.chain import Context
from systemzero_runtime.interceptors.drain import stopping
from systemzero_wire.errors import end

if TYPE_CHECKING:
    from systemzero_gateway.forwarding.forwarder import Forwarder


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
