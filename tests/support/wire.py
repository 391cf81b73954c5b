"""Small servers of the contract on a real port, each lying or failing in one way that a test names.

For what a real platform does not do on demand: dropped streams, unknown digests, refused retries.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
from google.protobuf import descriptor_pool, message_factory

from systemzero.capture.v1 import capture_service_pb2 as capture_pb
from systemzero.diff.v1 import drift_service_pb2 as drift_pb
from systemzero.diff.v1 import template_service_pb2 as template_pb
from systemzero.errors.v1 import errors_pb2
from systemzero.gateway.v1 import auth_service_pb2 as auth_pb
from systemzero_client import Backoff, Client

QUICK = Backoff(initial=0.001, most=0.01)
"""Pauses that no test notices."""


def answering(server: grpc.aio.Server, service: str, **methods: Callable[..., Any]) -> None:
    """Adds methods of one service of the contract, by name; the others are unimplemented."""
    described = descriptor_pool.Default().FindServiceByName(service)
    handlers = {}
    for name, behaviour in methods.items():
        method = described.methods_by_name[name]
        make = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, True): grpc.stream_stream_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]
        handlers[name] = make(
            behaviour,
            message_factory.GetMessageClass(method.input_type).FromString,
            message_factory.GetMessageClass(method.output_type).SerializeToString,
        )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))


@asynccontextmanager
async def serving(*adders: Callable[[grpc.aio.Server], None]) -> AsyncIterator[str]:
    """A server with what `adders` add, on a free port; its target."""
    server = grpc.aio.server()
    for add in adders:
        add(server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(0)


@asynccontextmanager
async def client_of(*adders: Callable[[grpc.aio.Server], None]) -> AsyncIterator[Client]:
    """A client of such a server."""
    async with serving(*adders) as target, Client(target, api_key="s0_test", backoff=QUICK) as c:
        yield c


class BreakingCaptures:
    """Answers `answers` captures of each stream, then breaks it, until `breaks` are used up."""

    def __init__(self, *, answers: int = 1_000_000, breaks: int = 0) -> None:
        self.answers = answers
        self.breaks = breaks
        self.stored: dict[str, capture_pb.IngestRequest] = {}
        self.known: set[bytes] = set()
        self.sent: list[str] = []
        self.waiting = 0
        self.most_waiting = 0
        self.gate: asyncio.Event | None = None

    def add(self, server: grpc.aio.Server) -> None:
        answering(
            server,
            "systemzero.capture.v1.CaptureService",
            Ingest=self.ingest,
            IngestStream=self.ingest_stream,
        )

    async def ingest(self, request: capture_pb.IngestRequest, context: Any) -> Any:
        return self._answer(request)

    async def ingest_stream(self, request_iterator: Any, context: Any) -> Any:
        answered = 0
        async for message in request_iterator:
            self.waiting += 1
            self.most_waiting = max(self.most_waiting, self.waiting)
            if self.gate:
                await self.gate.wait()
            if answered >= self.answers and self.breaks:
                self.breaks -= 1
                await context.abort(grpc.StatusCode.UNAVAILABLE, "going away")
            yield self._stream_answer(answered, message.ingest)
            self.waiting -= 1
            answered += 1

    def _stream_answer(self, index: int, request: capture_pb.IngestRequest) -> Any:
        if request.native.data == b"bad":
            failure = errors_pb2.Failure(
                code=3,
                reason=errors_pb2.ERROR_REASON_UNKNOWN_FORMAT,
                message="no format",
                violations=[errors_pb2.FieldViolation(field="data", description="no format")],
            )
            return capture_pb.IngestStreamResponse(index=index, failure=failure)
        return capture_pb.IngestStreamResponse(index=index, ingest=self._answer(request))

    def _answer(self, request: capture_pb.IngestRequest) -> capture_pb.IngestResponse:
        kind = request.WhichOneof("content") or ""
        self.sent.append(kind)
        if kind == "full_digest" and request.full_digest not in self.known:
            return capture_pb.IngestResponse(body_needed=True)
        self.stored.setdefault(request.request_id, request)
        response = capture_pb.IngestResponse()
        response.capture.capture_id = f"cap_{request.app or request.native.data.decode()[:20]}"
        return response


class DroppingEvents:
    """Events by number, the cursor being the number; each stream ends after `each` of them."""

    def __init__(self, total: int, each: int, *, politely: bool = False) -> None:
        self.total = total
        self.each = each
        self.politely = politely
        self.cursors: list[str] = []

    def add(self, server: grpc.aio.Server) -> None:
        answering(server, "systemzero.diff.v1.DriftService", WatchEvents=self.watch)

    async def watch(self, request: drift_pb.WatchEventsRequest, context: Any) -> Any:
        self.cursors.append(request.cursor)
        start = int(request.cursor or 0)
        yield drift_pb.WatchEventsResponse(cursor=str(start))
        for number in range(start, min(start + self.each, self.total)):
            event = drift_pb.DriftEvent(event_id=f"evt_{number}")
            yield drift_pb.WatchEventsResponse(event=event, cursor=str(number + 1))
        if not self.politely:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "connection too old")


class FlakyTemplates:
    """Does not answer the first `failures` calls: they end with `code`."""

    def __init__(self, failures: int, code: grpc.StatusCode = grpc.StatusCode.UNAVAILABLE) -> None:
        self.code = code
        self.failures = failures
        self.calls = 0
        self.metadata: dict[str, Any] = {}

    def add(self, server: grpc.aio.Server) -> None:
        answering(server, "systemzero.diff.v1.TemplateService", GetTemplate=self.get)

    async def get(self, request: template_pb.GetTemplateRequest, context: Any) -> Any:
        self.calls += 1
        self.metadata = dict(context.invocation_metadata())
        if request.template_id == "slow":
            await asyncio.Event().wait()
        if self.calls <= self.failures:
            await context.abort(self.code, "not yet")
        return template_pb.GetTemplateResponse()


class FlakyKeys:
    """Is unavailable, always."""

    def __init__(self) -> None:
        self.calls = 0

    def add(self, server: grpc.aio.Server) -> None:
        answering(server, "systemzero.gateway.v1.AuthService", CreateApiKey=self.create)

    async def create(self, request: auth_pb.CreateApiKeyRequest, context: Any) -> Any:
        self.calls += 1
        await context.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
