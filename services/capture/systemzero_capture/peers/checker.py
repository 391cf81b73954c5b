"""The diff service as this service needs it: a verdict for a capture."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

import grpc

from systemzero.diff.v1 import diff_service_pb2, diff_service_pb2_grpc, verdict_pb2
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_base.telemetry.observed import Outgoing
from systemzero_capture.metrics import JUDGE
from systemzero_capture.model import Known, OriginalKind, Sighting
from systemzero_core.errors import DataCorrupted, FailedPrecondition, Unavailable
from systemzero_runtime.calls.asking import AWAY, ask
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_wire.errors import refusal_of
from systemzero_wire.trees import encode_incompleteness, encode_signatures

AUDIENCE = "diff"
_CHECK = "/systemzero.diff.v1.DiffService/Check"
TIMEOUT = 30.0
"""Seconds a verdict may take."""


class Checker(Protocol):
    """Judges captures."""

    async def by_signatures(
        self, principal: Principal, known: Known, sighting: Sighting
    ) -> verdict_pb2.Verdict | None:
        """The verdict if the signatures decide it without leaving an event, else None."""
        ...

    async def of_stored(
        self,
        principal: Principal,
        capture_id: str,
        known: Known,
        sighting: Sighting,
        at_once: bytes,
        document: Callable[[], Awaitable[bytes]],
    ) -> verdict_pb2.Verdict:
        """The verdict on a stored capture; an event is in the log when this returns.

        Its document, own tree JSON, is sent `at_once` where it is given. Otherwise `document` is
        asked for it only where the verdict is not known.

        Raises:
            Unavailable: the diff service does not answer, or not in time.
            DataCorrupted: its data is damaged.
            FailedPrecondition: the capture was deleted meanwhile.
            QuotaExceeded: it drifts, and the tenant has no room for an event, or for its session.
        """
        ...


class DiffServiceChecker:
    """Asks the diff service, on behalf of the principal."""

    def __init__(self, diff: ReachableChannel, signer: IdentitySigner) -> None:
        """`diff` is a channel to the diff service."""
        self._channel = diff
        self._stub = diff_service_pb2_grpc.DiffServiceStub(diff)
        self._signer = signer

    async def by_signatures(
        self, principal: Principal, known: Known, sighting: Sighting
    ) -> verdict_pb2.Verdict | None:
        """See `Checker.by_signatures`."""
        answer = await self._check(principal, _request(known, sighting))
        return None if answer.tree_needed else answer.verdict

    async def of_stored(
        self,
        principal: Principal,
        capture_id: str,
        known: Known,
        sighting: Sighting,
        at_once: bytes,
        document: Callable[[], Awaitable[bytes]],
    ) -> verdict_pb2.Verdict:
        """See `Checker.of_stored`."""
        request = _request(known, sighting)
        request.capture_id = capture_id
        # The capture's id names the judgement: a retry after a crash gets the same event.
        request.request_id = capture_id
        if at_once:
            _put_tree(request, at_once)
        answer = await self._check(principal, request)
        if answer.tree_needed:
            _put_tree(request, await document())
            answer = await self._check(principal, request)
        return answer.verdict

    async def _check(
        self, principal: Principal, request: diff_service_pb2.CheckRequest
    ) -> diff_service_pb2.CheckResponse:
        token, outgoing = self._signer.token(principal, AUDIENCE), Outgoing(_CHECK, AUDIENCE)
        try:
            with JUDGE.time():
                answer: diff_service_pb2.CheckResponse = await ask(
                    self._channel, self._stub.Check, request, outgoing, token, TIMEOUT
                )
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from None
        return answer


def _translated(error: grpc.aio.AioRpcError) -> Exception:
    if error.code() in AWAY:
        return Unavailable("the diff service does not answer: no verdict; try again")
    if error.code() is grpc.StatusCode.DATA_LOSS:
        return DataCorrupted("the diff service's data is damaged: no verdict")
    if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
        return FailedPrecondition("the capture was deleted before it was judged")
    if (refused := refusal_of(error)) is not None:
        return refused
    return error  # a fault of the platform's own: logged whole, sent generic


def _put_tree(request: diff_service_pb2.CheckRequest, document: bytes) -> None:
    request.tree.native.format = tree_pb2.FORMAT_TREE
    request.tree.native.data = document


def _request(known: Known, sighting: Sighting) -> diff_service_pb2.CheckRequest:
    kept = {original.kind: original.sha256 for original in sighting.originals}
    return diff_service_pb2.CheckRequest(
        native_sha256=kept.get(OriginalKind.NATIVE, b""),
        screenshot_sha256=kept.get(OriginalKind.SCREENSHOT, b""),
        signatures=encode_signatures(known.signatures),
        screen_hint=sighting.screen_hint,
        app=sighting.app,
        session_id=sighting.session_id,
        incompleteness=[encode_incompleteness(r.reason, r.detail) for r in known.incompleteness],
    )
