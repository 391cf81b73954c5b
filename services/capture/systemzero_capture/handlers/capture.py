"""CaptureService: decode, call, encode."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero.capture.v1 import capture_service_pb2_grpc
from systemzero.diff.v1 import verdict_pb2
from systemzero_base.ids import PageTokens
from systemzero_base.internal.identity import Principal, current_issuer, current_principal
from systemzero_base.lanes.dispatch import HERE, Lanes
from systemzero_base.pages import page_of
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.telemetry.observed import note_verdict
from systemzero_base.work.windows import Turns, ordered
from systemzero_capture.codec import captures as codec
from systemzero_capture.intake import work
from systemzero_capture.intake.ingest import Ingestor
from systemzero_capture.intake.known import message_digest, native_digest
from systemzero_capture.intake.pipeline import NODE_BYTES
from systemzero_capture.kept.originals import Keeper, Kept
from systemzero_capture.metrics import verdict_reached
from systemzero_capture.model import OriginalKind, StoredCapture
from systemzero_capture.peers.erasing import Eraser
from systemzero_capture.store import CaptureStore
from systemzero_core.errors import DomainError, InvalidInput
from systemzero_core.formats import own
from systemzero_storage.following import Followers
from systemzero_wire import fields
from systemzero_wire.errors import to_failure
from systemzero_wire.trees import decode_digest

_logger = get_logger("capture")
_DIFF = "diff"


class CaptureServicer(capture_service_pb2_grpc.CaptureServiceServicer):
    """See the contract for what each method does."""

    def __init__(
        self,
        ingestor: Ingestor,
        store: CaptureStore,
        tokens: PageTokens,
        followers: Followers[StoredCapture],
        lanes: Lanes,
        rules: RulesByTenant,
        stream_window: int,
        keeper: Keeper,
        eraser: Eraser,
    ) -> None:
        self._keeper = keeper
        self._eraser = eraser
        self._ingestor = ingestor
        self._store = store
        self._tokens = tokens
        self._followers = followers
        self._lanes = lanes
        self._rules = rules
        self._stream_window = stream_window

    async def Ingest(self, request: pb.IngestRequest, context: Any) -> pb.IngestResponse:
        response = await self._ingest(current_principal(), request)
        if response.HasField("verdict"):
            note_verdict(verdict_pb2.VerdictKind.Name(response.verdict.kind))
        return response

    async def IngestStream(
        self, request_iterator: AsyncIterable[pb.IngestStreamRequest], context: Any
    ) -> AsyncIterator[pb.IngestStreamResponse]:
        principal, turns = current_principal(), Turns()

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
        kind, check = request.WhichOneof("content"), request.check
        kept = await self._kept(principal.tenant, request)
        done: StoredCapture | None
        if kind == "native":
            native = codec.decode_native(request.native)
            key = native_digest(principal.tenant, native)
            sighting = codec.decode_sighting(principal, request, key, kept.originals)
            done = await self._ingestor.native(principal, key, native, sighting, check=check)
        elif kind == "tree":
            key = message_digest(principal.tenant, request.tree)
            sighting = codec.decode_sighting(principal, request, key, kept.originals)
            done = await self._ingestor.tree(principal, key, request.tree, sighting, check=check)
        elif kind == "full_digest":
            digest = decode_digest(request.full_digest, "full_digest")
            sighting = codec.decode_sighting(principal, request, digest, kept.originals)
            done = await self._ingestor.digest(principal, digest, sighting, check=check)
        else:
            raise InvalidInput.at("content", "required: native, tree or full_digest")
        response = _encode(done)
        response.withheld.extend(kept.withheld)
        if response.HasField("verdict"):
            verdict_reached(response.verdict, time.perf_counter() - started)
        return response

    async def _kept(self, tenant: str, request: pb.IngestRequest) -> Kept:
        if not self._keeper.keeps(tenant, request):
            return Kept()
        serialised = request.SerializeToString()
        size = own.TERSEST * (len(serialised) - len(request.screenshot))
        keeping, told = self._keeper.of(tenant), self._rules.told(tenant)
        done = await self._lanes.do(tenant, size, work.keep, serialised, keeping, told)
        return work.kept(done)

    async def GetCapture(self, request: pb.GetCaptureRequest, context: Any) -> Any:
        tenant = current_principal().tenant
        capture_id = fields.text(request.capture_id, "capture_id", least=1)
        if request.hold:
            _check_told_by_diff()
            await self._store.hold(tenant, capture_id)
        response, capture = pb.GetCaptureResponse(), await self._store.get(tenant, capture_id)
        codec.encode_capture(capture, response.capture)
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
        return work.originals_answer(HERE, found) if found else b""

    async def ListCaptures(
        self, request: pb.ListCapturesRequest, context: Any
    ) -> pb.ListCapturesResponse:
        tenant = current_principal().tenant
        size = fields.page_size(request.page_size)
        app = fields.text(request.app, "app")
        session_id = fields.text(request.session_id, "session_id")
        scope = f"captures\n{tenant}\n{app}\n{session_id}"
        position = self._tokens.open(scope, request.page_token)
        start = int(position[0]) if position else None

        async def older(last: StoredCapture | None, count: int) -> Sequence[StoredCapture]:
            before = last.position if last else start
            return await self._store.newest(
                tenant, count, before=before, app=app, session_id=session_id
            )

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
        response = pb.DeleteCaptureResponse()
        codec.encode_capture(
            await self._eraser.erase(current_principal(), capture_id), response.capture
        )
        return response


def _check_told_by_diff() -> None:
    """Who may read a capture may not keep it from being collected."""
    if current_issuer() != _DIFF:
        raise InvalidInput.at("hold", "said by the diff service alone")


def _encode(capture: StoredCapture | None) -> pb.IngestResponse:
    if capture is None:
        return pb.IngestResponse(body_needed=True)
    response = pb.IngestResponse()
    codec.encode_capture(capture, response.capture)
    if capture.verdict:
        codec.write_verdict(capture, response.verdict)
    return response
