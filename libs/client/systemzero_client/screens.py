"""Screens looked at without being stored: compared, matched, judged."""

from __future__ import annotations

import uuid

from systemzero.diff.v1 import diff_service_pb2 as pb
from systemzero.diff.v1 import diff_service_pb2_grpc, verdict_pb2
from systemzero_client.channel import Transport
from systemzero_client.documents import Sighting, Source
from systemzero_client.messages import encode_source

_NOTHING_KNOWN = Sighting()


class Screens:
    """DiffService."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._stub = diff_service_pb2_grpc.DiffServiceStub(transport.channel)

    async def diff(self, a: Source, b: Source) -> pb.DiffResponse:
        """The exact edits that turn `a` into `b`; no template is asked."""
        request = pb.DiffRequest(a=encode_source(a), b=encode_source(b))
        response: pb.DiffResponse = await self._transport.unary(self._stub.Diff, request)
        return response

    async def match(
        self, source: Source, *, screen: str = "", max_results: int = 0
    ) -> pb.MatchResponse:
        """The templates that fit best, best first, each with a score per feature."""
        request = pb.MatchRequest(
            tree=encode_source(source), screen_hint=screen, max_results=max_results
        )
        response: pb.MatchResponse = await self._transport.unary(self._stub.Match, request)
        return response

    async def check(
        self, source: Source, sighting: Sighting = _NOTHING_KNOWN, *, request_id: str = ""
    ) -> verdict_pb2.Verdict:
        """Judge a capture without storing it; drift becomes an event in the log all the same."""
        request = pb.CheckRequest(
            request_id=request_id or uuid.uuid4().hex,
            tree=encode_source(source),
            screen_hint=sighting.screen,
            app=sighting.app,
            session_id=sighting.session,
            capture_id=source if isinstance(source, str) else "",
        )
        response = await self._transport.unary(self._stub.Check, request)
        verdict: verdict_pb2.Verdict = response.verdict
        return verdict
