"""The diff service as this service needs it: verdicts on captures.

It is asked twice at most: by the signatures, and, where they do not decide or drift is to be
recorded, once the capture is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import grpc
import msgspec

from systemzero.diff.v1 import judgement_service_pb2 as pb
from systemzero.diff.v1 import judgement_service_pb2_grpc
from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_base.lru import Lru
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_capture.metrics import JUDGE
from systemzero_capture.model import (
    ContentFacts,
    Event,
    Judgement,
    NotYet,
    OriginalKind,
    Sighting,
    StoredCapture,
)
from systemzero_core.errors import DataCorrupted, FailedPrecondition, Unavailable
from systemzero_runtime.calls.asking import AWAY, ask
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_wire.errors import refusal_of
from systemzero_wire.trees import encode_incompleteness, encode_signatures
from systemzero_wire.verdicts import without_texts

AUDIENCE = "diff"
_SERVICE = "/systemzero.diff.v1.JudgementService"
_MOST_TOLD = 1_000
_TOLD_BYTES = 8_000_000
"""Of verdicts that are remembered, so that the diff service is not asked for what it just said."""
_ENTRY = 1_000
"""Bytes that one takes beside its verdict."""
ITSELF = "capture"
"""On whose behalf this service asks what no caller asked for."""
TIMEOUT = 30.0
"""Seconds a verdict may take."""


class DiffClient(Protocol):
    """Has captures judged."""

    async def judge(
        self, principal: Principal, capture_id: str, known: ContentFacts, sighting: Sighting
    ) -> Judgement | NotYet:
        """The verdict if the signatures decide it without leaving an event."""
        ...

    async def judge_stored(
        self,
        principal: Principal,
        capture_id: str,
        known: ContentFacts,
        sighting: Sighting,
        document: bytes = b"",
    ) -> Judgement:
        """The verdict on a stored capture; an event is in the log when this returns.

        `document` is its tree as own tree JSON, where that is in hand.

        Raises:
            Unavailable: the diff service does not answer, or not in time.
            DataCorrupted: its data is damaged.
            FailedPrecondition: the capture was deleted meanwhile.
            QuotaExceeded: it drifts, and the tenant has no room for an event, or for its session.
        """
        ...

    async def told(
        self, principal: Principal, captures: Sequence[StoredCapture]
    ) -> list[StoredCapture]:
        """Stored captures with those of their verdicts that the diff service keeps.

        Raises:
            Unavailable, DataCorrupted: as above.
        """
        ...


class GrpcDiffClient:
    """Asks the diff service, on behalf of the principal."""

    def __init__(self, diff: ReachableChannel, signer: IdentitySigner) -> None:
        """`diff` is a channel to the diff service."""
        self._channel = diff
        self._stub = judgement_service_pb2_grpc.JudgementServiceStub(diff)
        self._signer = signer
        self._told: Lru[str, Judgement] = Lru(_MOST_TOLD, _told_memory, _TOLD_BYTES)

    async def judge(
        self, principal: Principal, capture_id: str, known: ContentFacts, sighting: Sighting
    ) -> Judgement | NotYet:
        """See `DiffClient.judge`."""
        return await self._judged(principal, _request(capture_id, known, sighting))

    async def judge_stored(
        self,
        principal: Principal,
        capture_id: str,
        known: ContentFacts,
        sighting: Sighting,
        document: bytes = b"",
    ) -> Judgement:
        """See `DiffClient.judge_stored`."""
        request = _request(capture_id, known, sighting)
        request.stored, request.document = True, document
        judged = await self._judged(principal, request)
        if isinstance(judged, NotYet):
            raise Unavailable("the diff service gave no verdict; try again")
        if judged.event is not None:
            self._told.put(capture_id, judged)
        return judged

    async def told(
        self, principal: Principal, captures: Sequence[StoredCapture]
    ) -> list[StoredCapture]:
        """See `DiffClient.told`."""
        of_diff = [c.capture_id for c in captures if c.of_diff and not c.verdict]
        ids = [each for each in of_diff if self._told.get(each) is None]
        found = await self.verdicts(principal, ids) if ids else {}
        return [self._with(capture, found) for capture in captures]

    def _with(self, capture: StoredCapture, found: Mapping[str, Judgement]) -> StoredCapture:
        if not capture.of_diff or capture.verdict:
            return capture
        judged = self._told.get(capture.capture_id) or found.get(capture.capture_id)
        if judged is None:
            return capture
        if capture.erase_time is not None:  # the diff service may have its part yet to erase
            judged = msgspec.structs.replace(judged, verdict=without_texts(judged.verdict))
        self._told.put(capture.capture_id, judged)
        return msgspec.structs.replace(capture, verdict=judged.verdict, event=judged.event)

    async def with_event(self, tenant: str, capture_ids: Sequence[str]) -> set[str]:
        """Those captures of which there are events; raises as `told`."""
        return set(await self.verdicts(Principal(tenant, ITSELF), capture_ids))

    async def verdicts(
        self, principal: Principal, capture_ids: Sequence[str]
    ) -> dict[str, Judgement]:
        """The verdicts that left an event, by capture; raises as `told`."""
        request = pb.GetVerdictsRequest(capture_ids=capture_ids)
        answer = await self._ask(principal, "GetVerdicts", request)
        return {told.capture_id: _judgement(told) for told in answer.verdicts}

    async def _judged(
        self, principal: Principal, request: pb.JudgeCaptureRequest
    ) -> Judgement | NotYet:
        with JUDGE.time():
            answer = await self._ask(principal, "JudgeCapture", request)
        if not answer.HasField("verdict"):
            return NotYet(answer.tree_needed)
        return _judgement(answer.verdict)

    async def _ask(self, principal: Principal, method: str, request: Any) -> Any:
        token = self._signer.token(principal, AUDIENCE)
        client_span = ClientSpan(f"{_SERVICE}/{method}", AUDIENCE)
        rpc = getattr(self._stub, method)
        try:
            return await ask(self._channel, rpc, request, client_span, token, TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from None


def _told_memory(_capture_id: str, judged: Judgement) -> int:
    return _ENTRY + len(judged.verdict)


def _judgement(verdict: pb.CaptureVerdict) -> Judgement:
    event = Event(verdict.event_id, verdict.log_index) if verdict.event_id else None
    return Judgement(verdict.verdict, event)


def _translated(error: grpc.aio.AioRpcError) -> Exception:
    if error.code() in AWAY:
        return Unavailable("the diff service does not answer: no verdict; try again")
    if error.code() is grpc.StatusCode.DATA_LOSS:
        return DataCorrupted(f"there is no verdict: {error.details()}")
    if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
        return FailedPrecondition("the capture was deleted before it was judged")
    if (refused := refusal_of(error)) is not None:
        return refused
    return error  # a fault of the platform's own: logged whole, sent generic


def _request(capture_id: str, known: ContentFacts, sighting: Sighting) -> pb.JudgeCaptureRequest:
    kept = {original.kind: original.sha256 for original in sighting.originals}
    return pb.JudgeCaptureRequest(
        capture_id=capture_id,
        native_sha256=kept.get(OriginalKind.NATIVE, b""),
        screenshot_sha256=kept.get(OriginalKind.SCREENSHOT, b""),
        signatures=encode_signatures(known.signatures),
        screen_hint=sighting.screen_hint,
        app=sighting.app,
        session_id=sighting.session_id,
        incompleteness=[encode_incompleteness(r.reason, r.detail) for r in known.incompleteness],
    )
