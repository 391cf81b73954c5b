"""Captures: take in one or many, read, list, watch, erase."""

from __future__ import annotations

import uuid
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from contextlib import aclosing
from typing import NamedTuple, TypeAlias

from systemzero.capture.v1 import capture_pb2, capture_service_pb2_grpc
from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero_client.channel import Transport
from systemzero_client.documents import Document, Sighting
from systemzero_client.edge import at_edge_async
from systemzero_client.errors import SystemZeroError
from systemzero_client.ingest_stream import IngestStream
from systemzero_client.messages import encode_document, timestamp
from systemzero_client.outcomes import IngestFailure, IngestReply, Outcome
from systemzero_client.streams import Backoff, OnRetry, resumed
from systemzero_core.redaction import DEFAULT, Rules
from systemzero_core.tree import Tree

__all__ = ["Captures", "IngestFailure", "IngestReply", "Item", "Outcome", "WatchedCapture"]

Item: TypeAlias = Document | tuple[Document, Sighting]
"""One capture of many, with or without what is known of it."""

_NOTHING_KNOWN = Sighting()
_NOT_SENT = "the screenshot was not sent: a secret was redacted from the capture at the edge"


class WatchedCapture(NamedTuple):
    """A capture that came in; `cursor` is where to go on."""

    capture: capture_pb2.Capture
    cursor: str


class Captures:
    """CaptureService."""

    def __init__(self, transport: Transport, backoff: Backoff, redaction: Rules = DEFAULT) -> None:
        self._transport = transport
        self._rules = redaction
        self._backoff = backoff
        self._stub = capture_service_pb2_grpc.CaptureServiceStub(transport.channel)

    async def ingest(
        self,
        capture: Document | Tree,
        sighting: Sighting = _NOTHING_KNOWN,
        *,
        check: bool = False,
        at_edge: bool = False,
        keep_native: bool = False,
        screenshot: bytes = b"",
        request_id: str = "",
    ) -> pb.IngestResponse:
        """Store one capture and, if asked, have it judged.

        Args:
            capture: a document in any format, or a tree.
            sighting: what is known of it.
            check: whether to judge it; the verdict is in the response.
            at_edge: normalise and sign here, and send the digest first; the body only where the
                service does not know it.
            keep_native: have the document itself kept, too; not `at_edge`, which does not send it.
            screenshot: a picture of the screen to keep (PNG, JPEG, WebP); not sent `at_edge` where
                a secret was redacted, and the response says so in `withheld`.
            request_id: 1 to 100 characters that make a repeat of the call answer as the first did;
                one is made if none is given, so that gRPC's own retries are safe.

        Raises:
            SystemZeroError: the call failed.
            DomainError: `at_edge`, and the document is no capture.
            ValueError: both `keep_native` and `at_edge`.
        """
        if keep_native and at_edge:
            raise ValueError("what is normalised at the edge is not sent as it is")
        document = Document.of_tree(capture) if isinstance(capture, Tree) else capture
        request = new_request(sighting, check=check, request_id=request_id)
        request.keep_native, request.screenshot = keep_native, screenshot
        if at_edge:
            return await self._ingest_at_edge(request, document)
        request.native.CopyFrom(encode_document(document))
        return await self._ingest(request)

    async def _ingest_at_edge(
        self, request: pb.IngestRequest, document: Document
    ) -> pb.IngestResponse:
        edge = await at_edge_async(document, self._rules)
        withheld = bool(request.screenshot) and edge.has_secrets
        if withheld:
            request.ClearField("screenshot")
        response = None
        if edge.digest is not None:
            response = await self._ingest_digest(request, edge.digest)
        if response is None:
            request.native.CopyFrom(encode_document(edge.body))
            response = await self._ingest(request)
        if withheld:
            response.withheld.append(_NOT_SENT)
        return response

    async def _ingest_digest(
        self, request: pb.IngestRequest, digest: bytes
    ) -> pb.IngestResponse | None:
        """The reply to the digest alone; None where the body is needed.

        A conflict over the request id means that an earlier call with it sent the body: sending it
        again gets that call's answer.
        """
        request.full_digest = digest
        try:
            response = await self._ingest(request)
        except SystemZeroError as error:
            if error.reason != "CONFLICT":
                raise
            return None
        return None if response.body_needed else response

    async def _ingest(self, request: pb.IngestRequest) -> pb.IngestResponse:
        response: pb.IngestResponse = await self._transport.unary(self._stub.Ingest, request)
        return response

    async def ingest_many(
        self,
        captures: Iterable[Item] | AsyncIterable[Item],
        *,
        check: bool = False,
        at_edge: bool = False,
        keep_native: bool = False,
        window: int = 16,
    ) -> AsyncGenerator[Outcome]:
        """Store many captures over one stream; one outcome each, in order.

        At most `window` captures are held: the next one is asked for when the outcome of an
        earlier one has been taken. A stream that breaks is opened again, and what was not
        answered is sent again under the same request ids. A capture that fails is an
        `IngestFailure`, and the stream goes on.

        Raises:
            InvalidInput: an item is no capture; it names the item and its field.
            SystemZeroError: the stream cannot be opened, or not again, or nothing is answered.
            ValueError: both `keep_native` and `at_edge`.
        """
        if keep_native and at_edge:
            raise ValueError("what is normalised at the edge is not sent as it is")

        def request(known: Sighting) -> pb.IngestRequest:
            made = new_request(known, check=check)
            made.keep_native = keep_native
            return made

        stream = IngestStream(
            self._transport, self._stub, self._backoff, window, at_edge=at_edge, rules=self._rules
        )
        async with aclosing(stream.run(captures, request)) as outcomes:
            async for outcome in outcomes:
                yield outcome

    async def get(
        self,
        capture_id: str,
        *,
        include_tree: bool = False,
        include_native: bool = False,
        include_screenshot: bool = False,
    ) -> capture_pb2.Capture:
        """A stored capture; if asked, with its normalised tree (see `decode_tree`).

        What was kept of it as it was sent is described in `originals`, and sent along if asked.
        """
        request = pb.GetCaptureRequest(
            capture_id=capture_id,
            include_tree=include_tree,
            include_native=include_native,
            include_screenshot=include_screenshot,
        )
        response = await self._transport.unary(self._stub.GetCapture, request)
        capture: capture_pb2.Capture = response.capture
        return capture

    async def list(
        self, *, app: str = "", session: str = "", page_size: int = 200
    ) -> AsyncGenerator[capture_pb2.Capture]:
        """Every capture, newest first; pages are fetched as they are needed."""
        request = pb.ListCapturesRequest(app=app, session_id=session, page_size=page_size)
        async for capture in self._transport.pages(self._stub.ListCaptures, request, "captures"):
            yield capture

    async def watch(
        self, cursor: str = "", *, on_retry: OnRetry | None = None
    ) -> AsyncGenerator[WatchedCapture]:
        """Captures as they come in, from a cursor or from now on, across reconnects."""

        def open_at(at: str) -> AsyncGenerator[pb.WatchCapturesResponse]:
            request = pb.WatchCapturesRequest(cursor=at)
            return self._transport.stream(self._stub.WatchCaptures, request)

        async for response in resumed(
            open_at, lambda r: r.cursor, cursor, backoff=self._backoff, on_retry=on_retry
        ):
            if response.HasField("capture"):
                yield WatchedCapture(response.capture, response.cursor)

    async def delete(self, capture_id: str) -> capture_pb2.Capture:
        """Erase a capture, and what events say of its screen; digests, leaves and proofs stay."""
        request = pb.DeleteCaptureRequest(capture_id=capture_id)
        response = await self._transport.unary(self._stub.DeleteCapture, request)
        capture: capture_pb2.Capture = response.capture
        return capture


def new_request(sighting: Sighting, *, check: bool, request_id: str = "") -> pb.IngestRequest:
    """A request without its content, safe to repeat."""
    return pb.IngestRequest(
        request_id=request_id or uuid.uuid4().hex,
        app=sighting.app,
        screen_hint=sighting.screen,
        session_id=sighting.session,
        capture_time=timestamp(sighting.time) if sighting.time else None,
        check=check,
    )
