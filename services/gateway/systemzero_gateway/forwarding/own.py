"""The way of a call to one of the gateway's own services: behind the admission, and no further.

They run in this process, so that nothing is between them and their callers that could be away:
no backend, no breaker, no retry. What slows one call down says nothing of the next.

Invariants:
1. A call is let in, bounded, counted and recorded as one that is forwarded.
2. Its message is read only after it was let in.
3. Its deadline is the one that a backend would get.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any

import grpc

from systemzero_core.errors import DeadlineExceeded, TooLarge
from systemzero_gateway.access.caller import set_current_caller
from systemzero_gateway.access.policy import Method
from systemzero_gateway.config import DeadlineSettings
from systemzero_gateway.forwarding.admission import Admission
from systemzero_gateway.forwarding.deadlines import seconds_for
from systemzero_gateway.forwarding.lease import Lease
from systemzero_runtime.interceptors.chain import Context, Handler
from systemzero_wire.errors import code_of


class OwnMethod:
    """Serves the calls of one method by a handler of this process."""

    def __init__(
        self, method: Method, handler: Handler, admission: Admission, deadlines: DeadlineSettings
    ) -> None:
        """`handler` takes the raw bytes of one request, no stream of them, and gives raw bytes."""
        self.method = method
        self._handler: Any = handler
        self._admission = admission
        self._deadlines = deadlines

    def handler(self) -> Handler:
        """The handler for a gRPC server; it takes and gives raw bytes."""
        if self.method.server_streaming:
            return grpc.stream_stream_rpc_method_handler(self._stream)
        return grpc.stream_unary_rpc_method_handler(self._unary)

    async def _unary(self, _requests: AsyncIterator[bytes], context: Context) -> bytes:
        lease = await self._admission.admit(self.method, context)
        with _ended(lease):
            seconds = self._begin(lease, context)
            async with asyncio.timeout(seconds):
                request = await lease.message(context, seconds)
                response: bytes = await self._handler.unary_unary(request, context)
                return response

    async def _stream(
        self, _requests: AsyncIterator[bytes], context: Context
    ) -> AsyncIterator[bytes]:
        lease = await self._admission.admit(self.method, context)
        with _ended(lease):
            seconds, pay = self._begin(lease, context), lease.responses()
            deadline = asyncio.get_running_loop().time() + seconds
            request = await lease.message(context, seconds)
            async with aclosing(self._handler.unary_stream(request, context)) as responses:
                while True:
                    # around each alone: between two of them it is the client that is waited for
                    async with asyncio.timeout_at(deadline):
                        response = await anext(responses, None)
                    if response is None:
                        return
                    yield response
                    async with asyncio.timeout_at(deadline):
                        await pay(len(response))

    def _begin(self, lease: Lease, context: Context) -> float:
        """Say whose call it is; the seconds that it may take."""
        set_current_caller(lease.caller)
        return seconds_for(self.method, context.time_remaining(), self._deadlines)


@contextmanager
def _ended(lease: Lease) -> Iterator[None]:
    """End `lease`, however the call ends, with the reason for it."""
    reason = "CANCELLED"  # a generator that is closed raises nothing that is caught here
    try:
        yield
        reason = ""
    except (TooLarge, DeadlineExceeded) as error:
        reason = error.reason
        raise
    except TimeoutError:
        reason = DeadlineExceeded.reason
        raise
    except Exception as error:
        reason = code_of(error).name
        raise
    finally:
        lease.end(reason)
