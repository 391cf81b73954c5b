"""Many captures over one bidirectional stream that may break and is then opened again.

Invariants:
1. At most `window` captures are held, from the moment they are asked for until their outcome has
   been taken.
2. Outcomes come in the order of the captures, one each.
3. What was sent and not answered is sent again on a new stream under the same request id, so that
   the service stores it once.
4. Whatever goes wrong, in the caller's iterator, with an item or on the wire, is raised where
   outcomes are taken, after the outcomes of what was before it. Nothing waits for ever: a server
   that has captures to answer and is silent for the client's timeout has failed, unless it says
   that it serves: then it holds the stream back (`silence`).
5. However it ends, no task and no call is left.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable
from contextlib import aclosing, suppress
from typing import Any

import grpc

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero_client.channel import Transport
from systemzero_client.documents import Document, Sighting
from systemzero_client.edge import EdgeCapture, at_edge_async
from systemzero_client.errors import SystemZeroError
from systemzero_client.failures import of_rpc, readable
from systemzero_client.items import each
from systemzero_client.outcomes import IngestFailure, Outcome, Slot
from systemzero_client.silence import SilenceLimit, SilentForTooLongError
from systemzero_client.streams import Backoff, asked_pause
from systemzero_core.errors import DomainError
from systemzero_core.redaction import Rules

_MOST_FAILURES = 8
"""Streams in a row that break without a single answer before it is given up."""

_CLOSING = 5.0
"""Seconds that the server gets to end a stream that is answered whole, before it is cancelled."""


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
        rules: Rules,
    ) -> None:
        if window < 1:
            raise ValueError("a window holds at least one capture")
        self._transport = transport
        self._stub: capture_service_pb2_grpc.CaptureServiceAsyncStub = stub
        self._backoff = backoff
        self._at_edge = at_edge
        self._rules = rules
        self._room = asyncio.Semaphore(window)
        self._in_order: asyncio.Queue[Slot | BaseException | None] = asyncio.Queue()
        self._to_send: asyncio.Queue[Slot | None] = asyncio.Queue()
        self._sent: dict[int, Slot] = {}
        self._open_slots: dict[int, Slot] = {}
        self._fed = 0
        self._all_fed = False
        self._answers = 0
        self._answered = asyncio.Event()
        self._news = asyncio.Event()
        self._patience = SilenceLimit(transport.channel, lambda: transport.timeout)

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
                if isinstance(outcome, BaseException):
                    raise outcome
                self._room.release()
                yield outcome
            await asyncio.wait(tasks, timeout=_CLOSING)
        finally:
            await _end(*tasks)

    async def _feed(
        self,
        captures: Iterable[Any] | AsyncIterable[Any],
        new_request: Callable[[Sighting], pb.IngestRequest],
    ) -> None:
        """Ask for captures as there is room, and queue them."""
        try:
            async with aclosing(each(captures)) as items:
                await self._room.acquire()
                async for document, sighting in items:
                    await self._enqueue(document, new_request(sighting))
                    await self._room.acquire()
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:  # the caller's own, raised where it reads
            if _is_cancelled():
                raise
            self._in_order.put_nowait(error)
        self._all_fed = True
        self._in_order.put_nowait(None)
        self._finish_when_answered()

    async def _enqueue(self, document: Document, request: pb.IngestRequest) -> None:
        index, self._fed = self._fed, self._fed + 1
        try:
            capture = EdgeCapture(None, document)
            if self._at_edge:
                capture = await at_edge_async(document, self._rules)
        except DomainError as error:
            slot = Slot(index, request, EdgeCapture(None, document))
            slot.outcome.set_result(IngestFailure(index, error))
        else:
            slot = Slot(index, request, capture)
            self._open_slots[index] = slot
            self._to_send.put_nowait(slot)
        self._in_order.put_nowait(slot)

    def _finish_when_answered(self) -> None:
        if self._all_fed and not self._open_slots:
            self._to_send.put_nowait(None)

    async def _pump(self) -> None:
        """Keep a stream open until every capture is answered; a fault of ours is told, too."""
        try:
            await self._keep_open()
        except asyncio.CancelledError:
            if _is_cancelled():
                raise
            closed = SystemZeroError(grpc.StatusCode.CANCELLED, "", "the client was closed")
            self._fail(closed)
        except Exception as error:  # noqa: BLE001 - raised where outcomes are taken
            self._fail(error)

    async def _keep_open(self) -> None:
        failures = 0
        while True:
            before = self._answers
            pause = 0.0
            try:
                await self._converse()
            except SystemZeroError as error:
                failures = 1 if self._answers > before else failures + 1
                if not self._may_mend(error) or failures > _MOST_FAILURES:
                    raise
                pause = asked_pause(error)
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
        reader = asyncio.create_task(self._read(call))
        writer = asyncio.create_task(self._write(call))
        try:
            await self._both(reader, writer)
        except grpc.RpcError as error:
            raise of_rpc(error) from None
        except SilentForTooLongError:
            raise SystemZeroError(
                *(grpc.StatusCode.ABORTED, ""),
                "the server serves, and has not answered for an hour",
            ) from None
        except TimeoutError:
            raise SystemZeroError(
                grpc.StatusCode.DEADLINE_EXCEEDED,
                "",
                f"no answer to a capture for {self._transport.timeout:g} s",
            ) from None
        finally:
            call.cancel()
            await _end(reader, writer)

    async def _both(self, reader: asyncio.Task[None], writer: asyncio.Task[None]) -> None:
        """Wait for the reader, and for the writer as long as it writes; raises what is wrong.

        Raises:
            TimeoutError: the server has captures to answer, says nothing, and has failed.
        """
        self._patience.heard()
        waiting = {reader, writer}
        while not reader.done():
            self._news.clear()
            news = asyncio.ensure_future(self._news.wait())
            try:
                seconds = self._transport.timeout if self._sent else None
                done, _ = await asyncio.wait(
                    (*waiting, news), timeout=seconds, return_when=asyncio.FIRST_COMPLETED
                )
            finally:
                news.cancel()
            if writer in done:
                waiting.discard(writer)
                await writer  # raises what is wrong with it
            if not done and self._sent and not await self._patience.lasts():
                raise TimeoutError
        await reader

    async def _read(self, call: Any) -> None:
        async for response in call:
            self._take(readable(response))

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
                if len(self._sent) == 1:
                    self._wait_for_answer()
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
        self._wait_for_answer()
        if slot.take(response):
            del self._open_slots[slot.index]
            self._finish_when_answered()
        else:
            self._to_send.put_nowait(slot)

    def _wait_for_answer(self) -> None:
        """Start anew to count how long the server is silent, if it has something to answer."""
        self._patience.heard()
        self._news.set()

    def _take_back(self) -> None:
        """Queue what was sent and not answered once more, before what was not sent yet."""
        waiting = sorted(self._open_slots.values(), key=lambda slot: slot.index)
        self._sent.clear()
        self._to_send = asyncio.Queue()
        for slot in waiting:
            self._to_send.put_nowait(slot)
        self._finish_when_answered()

    def _fail(self, error: Exception) -> None:
        for slot in self._open_slots.values():
            if not slot.outcome.done():  # it is where its consumer was cancelled
                slot.outcome.set_result(error)
        self._in_order.put_nowait(error)


def _is_cancelled() -> bool:
    """Whether it is this task that is cancelled, not something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
