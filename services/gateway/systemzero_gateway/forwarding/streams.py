"""A call with a stream of requests that ends as its peer ended it.

The quirk (grpc.aio up to 1.85 at least): where the peer ends a call while a message to it is being
written, the failed write puts the status INTERNAL, "Internal error from Core", in the place of the
peer's, before or after that one has come; a failed half-close cancels the call and loses it. About
one in six calls that end with an error in the middle is told wrongly so.

The remedy: requests are written by a task of ours, which ignores that writes fail. A status of the
peer's that comes first is noted by the done callback, before it is lost; one that comes second is
waited for, and replaces the false one by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Coroutine, Generator
from typing import Any, NamedTuple, TypeVar

import grpc

T = TypeVar("T")

_PATIENCE = 1.0
"""Seconds to wait for the peer's status once a write has failed; it is on its way by then."""
_GLANCE = 0.001
"""Seconds between two looks for it: nothing tells of a second status."""


class _Status(NamedTuple):
    code: grpc.StatusCode
    details: str
    trailers: Any

    def is_of_a_failed_write(self) -> bool:
        return self.code is grpc.StatusCode.INTERNAL and not self.trailers


class StreamCall:
    """Calls `multicallable` of a channel with the messages of `requests`.

    Await it for its one response, or iterate over it for a stream of them. What `requests` raises
    cancels the call.
    """

    def __init__(self, multicallable: Any, requests: AsyncIterator[bytes], **keywords: Any) -> None:
        self._call = multicallable(**keywords)
        self._first: _Status | None = None
        self._call.add_done_callback(self._note)
        self._sender = asyncio.create_task(self._send(requests))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for response in self._call:
                yield response
        except grpc.aio.AioRpcError as error:
            await self._raise_truth(error)

    def __await__(self) -> Generator[Any, None, bytes]:
        return self._response().__await__()

    async def trailing_metadata(self) -> Any:
        """The trailers; waits for the call's end."""
        return (await self._truth()).trailers

    def cancel(self) -> None:
        """Give the call up; after its end, stop sending."""
        self._sender.cancel()
        self._call.cancel()

    async def _response(self) -> bytes:
        try:
            response: bytes = await self._call
        except grpc.aio.AioRpcError as error:
            await self._raise_truth(error)
            raise
        finally:
            self._sender.cancel()
        return response

    async def _send(self, requests: AsyncIterator[bytes]) -> None:
        try:
            async for message in requests:
                await self._call.write(message)
                del message  # the next one may be long in coming
            await self._call.done_writing()
        except (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
            return  # the call is over; how, the reading side learns
        except Exception:  # noqa: BLE001 - whose iterator it is has the reason
            self._call.cancel()

    def _note(self, _call: Any) -> None:
        self._first = _at_once(self._status())

    async def _status(self) -> _Status:
        trailers = await self._call.trailing_metadata() or grpc.aio.Metadata()
        return _Status(await self._call.code(), await self._call.details() or "", trailers)

    async def _truth(self) -> _Status:
        """What the peer ended the call with; waits for it."""
        status = self._first or await self._status()
        give_up = time.monotonic() + _PATIENCE
        while status.is_of_a_failed_write() and time.monotonic() < give_up:
            await asyncio.sleep(_GLANCE)
            status = await self._status()
        return status

    async def _raise_truth(self, error: grpc.aio.AioRpcError) -> None:
        """Raise what the peer ended the call with, unless it ended it well."""
        status = await self._truth()
        if status.code is not grpc.StatusCode.OK:
            initial = error.initial_metadata()
            raise grpc.aio.AioRpcError(
                status.code, initial, status.trailers, status.details, None
            ) from None


def _at_once(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise RuntimeError("the call's status was to be known by now")
