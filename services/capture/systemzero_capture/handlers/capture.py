"""CaptureService: takes captures in, reads, lists, watches and deletes them."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero.diff.v1 import verdict_pb2
from systemzero_base.ids import PageTokens
from systemzero_base.internal.identity import Principal, current_principal
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.pages import page_of
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.telemetry.observed import note_verdict
from systemzero_base.work.windows import KeyedLocks, ordered
from systemzero_capture.codec import captures as codec
from systemzero_capture.codec.originals import encode_originals
from systemzero_capture.intake import work
from systemzero_capture.intake.ingest import Ingestor
from systemzero_capture.intake.keeping import Keeper
from systemzero_capture.metrics import verdict_reached
from systemzero_capture.model import NODE_BYTES, OriginalKind, StoredCapture
from systemzero_capture.peers.diff_client import DiffClient
from systemzero_capture.peers.eraser import Eraser
from systemzero_capture.store import CaptureStore
from systemzero_core.errors import DomainError, InvalidInput
from systemzero_storage.following import Followers
from systemzero_wire import fields
from systemzero_wire.errors import to_failure

_logger = get_logger("capture")


class CaptureServicer(capture_service_pb2_grpc.CaptureServiceServicer):
    """See the contract for what each method does."""

    def __init__(
        self,
        ingestor: Ingestor,
        store: CaptureStore,
        tokens: PageTokens,
        followers: Followers[StoredCapture],
        lanes: Lanes,
        stream_window: int,
        keeper: Keeper,
        eraser: Eraser,
        diff_client: DiffClient,
    ) -> None:
        self._diff_client = diff_client
        self._keeper = keeper
        self._eraser = eraser
        self._ingestor = ingestor
        self._store = store
        self._tokens = tokens
        self._followers = followers
        self._lanes = lanes
        self._stream_window = stream_window

    async def Ingest(self, request: pb.IngestRequest, context: Any) -> pb.IngestResponse:
        response = await self._ingest(current_principal(), request)
        if response.HasField("verdict"):
            note_verdict(verdict_pb2.VerdictKind.Name(response.verdict.kind))
        return response

    async def IngestStream(
        self, request_iterator: AsyncIterable[pb.IngestStreamRequest], context: Any
    ) -> AsyncIterator[pb.IngestStreamResponse]:
        principal, turns = current_principal(), KeyedLocks()

        async def answer(index: int, request: pb.IngestStreamRequest) -> pb.IngestStreamResponse:
            try:
                # the captures of a session are a path: their order is what it is about
                async with turns.of(request.ingest.session_id):
                    done = await self._ingest(principal, request.ingest)
            except Exception as error:  # one capture's failure is not the stream's
                if not isinstance(error, DomainError):
                    _logger.exception("internal error", rpc_method="IngestStream")
                return pb.IngestStreamResponse(index=index, failure=to_failure(error))
            return pb.IngestStreamResponse(index=index, ingest=done)

        async with aclosing(ordered(request_iterator, answer, self._stream_window)) as responses:
            async for response in responses:
                yield response

    async def _ingest(self, principal: Principal, request: pb.IngestRequest) -> pb.IngestResponse:
        started = time.perf_counter()
        keeps_all = self._keeper.keeps_all(principal.tenant)
        arrival = codec.decode_arrival(principal, request, keeps_all=keeps_all)
        kept = await self._keeper.kept(principal.tenant, arrival.offered)
        arrival = arrival.with_originals(kept.originals)
        response = _encode(await self._ingestor.take_in(principal, arrival))
        response.withheld.extend(kept.withheld)
        if response.HasField("verdict"):
            verdict_reached(codec.kind_word(response.verdict), time.perf_counter() - started)
        return response

    async def GetCapture(self, request: pb.GetCaptureRequest, context: Any) -> Any:
        tenant = current_principal().tenant
        capture_id = fields.text(request.capture_id, "capture_id", least=1)
        if request.hold:  # who may read a capture may not keep it from being collected
            raise InvalidInput.at("hold", "said by the diff service alone")
        response, capture = pb.GetCaptureResponse(), await self._store.get(tenant, capture_id)
        (told,) = await self._diff_client.told(current_principal(), [capture])
        codec.encode_capture(told, response.capture)
        parts = [response.SerializeToString()]
        if request.include_tree:
            body = await self._store.body(tenant, capture_id)
            size = NODE_BYTES * capture.known.node_count
            parts.append(await self._lanes.do(tenant, size, work.tree_answer, body))
        parts.append(await self._originals(tenant, request))
        return b"".join(parts)  # serialised messages that follow each other are one

    async def _originals(self, tenant: str, request: pb.GetCaptureRequest) -> bytes:
        asked = {
            OriginalKind.NATIVE: request.include_native,
            OriginalKind.SCREENSHOT: request.include_screenshot,
        }
        whole = [kind for kind, wanted in asked.items() if wanted]
        found = await self._store.originals(tenant, request.capture_id, whole)
        return encode_originals(found) if found else b""

    async def ListCaptures(
        self, request: pb.ListCapturesRequest, context: Any
    ) -> pb.ListCapturesResponse:
        principal = current_principal()
        tenant, size = principal.tenant, fields.page_size(request.page_size)
        app = fields.text(request.app, "app")
        session_id = fields.text(request.session_id, "session_id")
        scope = f"captures\n{tenant}\n{app}\n{session_id}"
        position = self._tokens.open(scope, request.page_token)
        start = int(position[0]) if position else None

        async def older(last: StoredCapture | None, count: int) -> Sequence[StoredCapture]:
            before = last.position if last else start
            found = await self._store.newest(
                tenant, count, before=before, app=app, session_id=session_id
            )
            return await self._diff_client.told(principal, found)

        page, more = await page_of(older, size, lambda capture: len(capture.verdict))
        response = pb.ListCapturesResponse()
        for capture in page:
            codec.encode_capture(capture, response.captures.add())
        if more:
            response.next_page_token = self._tokens.seal(scope, page[-1].position)
        return response

    async def WatchCaptures(
        self, request: pb.WatchCapturesRequest, context: Any
    ) -> AsyncIterator[pb.WatchCapturesResponse]:
        tenant = current_principal().tenant
        scope = f"watch captures\n{tenant}"
        cursor = self._tokens.open(scope, request.cursor, "cursor")
        with self._followers.of(tenant) as follower:
            position = int(cursor[0]) if cursor else await follower.last()
            yield pb.WatchCapturesResponse(cursor=self._tokens.seal(scope, position))
            async with aclosing(follower.rows(position)) as captures:
                async for capture in captures:
                    token = self._tokens.seal(scope, capture.position)
                    response = pb.WatchCapturesResponse(cursor=token)
                    codec.encode_capture(capture, response.capture)
                    yield response

    async def DeleteCapture(
        self, request: pb.DeleteCaptureRequest, context: Any
    ) -> pb.DeleteCaptureResponse:
        capture_id = fields.text(request.capture_id, "capture_id", least=1)
        principal, response = current_principal(), pb.DeleteCaptureResponse()
        erased = await self._eraser.erase(principal, capture_id)
        (told,) = await self._diff_client.told(principal, [erased])
        codec.encode_capture(told, response.capture)
        return response


def _encode(capture: StoredCapture | None) -> pb.IngestResponse:
    if capture is None:
        return pb.IngestResponse(body_needed=True)
    response = pb.IngestResponse()
    codec.encode_capture(capture, response.capture)
    if capture.verdict:
        codec.write_verdict(capture, response.verdict)
    return response
