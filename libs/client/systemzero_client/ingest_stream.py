"""Many captures over one bidirectional stream that may break and is then opened again.

Invariants:
1. At most `window` captures are held, from the moment they are asked for until their outcome has
   been taken.
2. Outcomes come in the order of the captures, one each.
3. What was sent and not answered is sent again on a new stream under the same request id, so that
   the service stores it once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

import grpc

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero_client.channel import Transport
from systemzero_client.documents import Document, Sighting
from systemzero_client.edge import EdgeCapture, at_edge_async
from systemzero_client.errors import SystemZeroError
from systemzero_client.failures import of_message, of_rpc
from systemzero_client.messages import encode_document
from systemzero_client.streams import Backoff
from systemzero_core.errors import DomainError

T = TypeVar("T")

_MOST_FAILURES = 8
"""Streams in a row that break without a single answer before it is given up."""

_CLOSING = 5.0
"""Seconds that the server gets to end a stream that is answered whole, before it is cancelled."""


@dataclass(frozen=True, slots=True)
class IngestReply:
    """A capture was taken in; `index` is its place among those handed in, from 0."""

    index: int
    response: pb.IngestResponse


@dataclass(frozen=True, slots=True)
class IngestFailure:
    """A capture was not taken in: by the service's word, or because it is none, at the edge."""

    index: int
    error: SystemZeroError | DomainError


Outcome: TypeAlias = IngestReply | IngestFailure


class _Slot:
    """One capture on its way."""

    def __init__(self, index: int, request: pb.IngestRequest, capture: EdgeCapture) -> None:
        self.index = index
        self.outcome: asyncio.Future[Outcome | SystemZeroError] = (
            asyncio.get_running_loop().create_future()
        )
        self._request = request
        self._capture = capture
        self._by_digest = capture.digest is not None

    def message(self) -> pb.IngestStreamRequest:
        """The next thing to send for it: its digest, or its body."""
        message = pb.IngestStreamRequest(ingest=self._request)
        if self._by_digest:
            message.ingest.full_digest = self._capture.digest or b""
        else:
            message.ingest.native.CopyFrom(encode_document(self._capture.body))
        return message

    def take(self, response: pb.IngestStreamResponse) -> bool:
        """Take the service's answer; False where it asks for the body."""
        if response.WhichOneof("outcome") == "failure":
            error = of_message(response.failure)
            self.outcome.set_result(IngestFailure(self.index, error))
        elif response.ingest.body_needed and self._by_digest:
            self._by_digest = False
            return False
        else:
            self.outcome.set_result(IngestReply(self.index, response.ingest))
        return True


class IngestStream:
    """One use of `ingest_many`."""

    def __init__(
        self,
        transport: Transport,
        stub: Any,
        backoff: Backoff,
        window: int,
        *,
        at_edge: bool,
    ) -> None:
        if window < 1:
            raise ValueError("a window holds at least one capture")
        self._transport = transport
        self._stub: capture_service_pb2_grpc.CaptureServiceAsyncStub = stub
        self._backoff = backoff
        self._at_edge = at_edge
        self._room = asyncio.Semaphore(window)
        self._in_order: asyncio.Queue[_Slot | BaseException | None] = asyncio.Queue()
        self._to_send: asyncio.Queue[_Slot | None] = asyncio.Queue()
        self._sent: dict[int, _Slot] = {}
        self._open_slots: dict[int, _Slot] = {}
        self._all_fed = False
        self._answers = 0
        self._answered = asyncio.Event()

    async def run(
        self,
        captures: Iterable[Any] | AsyncIterable[Any],
        new_request: Callable[[Sighting], pb.IngestRequest],
    ) -> AsyncGenerator[Outcome]:
        """The outcomes in order; see `Captures.ingest_many`."""
        tasks = [
            asyncio.create_task(self._feed(captures, new_request)),
            asyncio.create_task(self._pump()),
        ]
        try:
            while (slot := await self._in_order.get()) is not None:
                if isinstance(slot, BaseException):
                    raise slot
                outcome = await slot.outcome
                if isinstance(outcome, SystemZeroError):
                    raise outcome
                self._room.release()
                yield outcome
            await asyncio.wait(tasks, timeout=_CLOSING)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _feed(
        self,
        captures: Iterable[Any] | AsyncIterable[Any],
        new_request: Callable[[Sighting], pb.IngestRequest],
    ) -> None:
        """Ask for captures as there is room, and queue them."""
        index = 0
        items = _each(captures)
        try:
            while True:
                await self._room.acquire()
                item = await anext(items, None)
                if item is None:
                    break
                document, sighting = _split(item)
                await self._enqueue(index, document, new_request(sighting))
                index += 1
        except Exception as error:  # noqa: BLE001 - the caller's own, raised where it reads
            self._in_order.put_nowait(error)
        self._all_fed = True
        self._in_order.put_nowait(None)
        self._finish_when_answered()

    async def _enqueue(self, index: int, document: Document, request: pb.IngestRequest) -> None:
        try:
            capture = EdgeCapture(None, document)
            if self._at_edge:
                capture = await at_edge_async(document)
        except DomainError as error:
            slot = _Slot(index, request, EdgeCapture(None, document))
            slot.outcome.set_result(IngestFailure(index, error))
        else:
            slot = _Slot(index, request, capture)
            self._open_slots[index] = slot
            self._to_send.put_nowait(slot)
        self._in_order.put_nowait(slot)

    def _finish_when_answered(self) -> None:
        if self._all_fed and not self._open_slots:
            self._to_send.put_nowait(None)

    async def _pump(self) -> None:
        """Keep a stream open until every capture is answered."""
        failures = 0
        while True:
            before = self._answers
            pause = 0.0
            try:
                await self._converse()
            except SystemZeroError as error:
                failures = 1 if self._answers > before else failures + 1
                if not self._may_mend(error) or failures > _MOST_FAILURES:
                    self._fail(error)
                    return
                pause = error.retry_after or 0.0
            else:
                if self._all_fed and not self._open_slots:
                    return
                failures += 1
            self._take_back()
            await asyncio.sleep(max(pause, self._backoff.delay(failures)))

    def _may_mend(self, error: SystemZeroError) -> bool:
        """Whether a new stream may go better; not if there never was one, but for a rate limit."""
        return error.is_transient and (self._answers > 0 or error.reason == "RATE_LIMITED")

    async def _converse(self) -> None:
        """One stream, until either side ends it."""
        call = self._transport.duplex(self._stub.IngestStream)
        writer = asyncio.create_task(self._write(call))
        try:
            async for response in call:
                self._take(response)
        except grpc.RpcError as error:
            raise of_rpc(error) from None
        finally:
            writer.cancel()
            await asyncio.gather(writer, return_exceptions=True)
            call.cancel()

    async def _write(self, call: Any) -> None:
        """Send what is queued; the second message once the first is answered.

        A stream that is refused (the key, a rate limit) ends then while nothing is being written,
        and says why: gRPC replaces the status that interrupts a write by INTERNAL.
        """
        position = 0
        answered = self._answered = asyncio.Event()
        # A call that ended refuses to be written to; the reader learns why.
        with suppress(grpc.RpcError, asyncio.InvalidStateError):
            while (slot := await self._to_send.get()) is not None:
                self._sent[position] = slot
                position += 1
                await call.write(slot.message())
                await answered.wait()
            await call.done_writing()

    def _take(self, response: pb.IngestStreamResponse) -> None:
        slot = self._sent.pop(response.index, None)
        if slot is None:
            raise SystemZeroError(
                grpc.StatusCode.DATA_LOSS,
                "",
                f"the server answered capture {response.index} of the stream, which was not sent",
            )
        self._answers += 1
        self._answered.set()
        if slot.take(response):
            del self._open_slots[slot.index]
            self._finish_when_answered()
        else:
            self._to_send.put_nowait(slot)

    def _take_back(self) -> None:
        """Queue what was sent and not answered once more, before what was not sent yet."""
        waiting = sorted(self._open_slots.values(), key=lambda slot: slot.index)
        self._sent.clear()
        self._to_send = asyncio.Queue()
        for slot in waiting:
            self._to_send.put_nowait(slot)
        self._finish_when_answered()

    def _fail(self, error: SystemZeroError) -> None:
        for slot in self._open_slots.values():
            slot.outcome.set_result(error)
        self._in_order.put_nowait(error)


def _split(item: Document | tuple[Document, Sighting]) -> tuple[Document, Sighting]:
    if isinstance(item, Document):
        return item, Sighting()
    return item


async def _each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T]:
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
    else:
        for item in items:
            yield item
