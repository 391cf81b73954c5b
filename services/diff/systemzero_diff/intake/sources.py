"""Where the trees of a request come from: the request itself, or the capture service."""

from __future__ import annotations

import grpc

from systemzero.capture.v1 import capture_service_pb2, capture_service_pb2_grpc
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_base.telemetry.observed import Outgoing
from systemzero_core.errors import (
    DataCorrupted,
    FailedPrecondition,
    NotFound,
    Unavailable,
)
from systemzero_diff.work.sources import Source, given, of_capture
from systemzero_diff.work.taking import Asked, Taken, take
from systemzero_runtime.calls.asking import AWAY, ask
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_wire import fields
from systemzero_wire.errors import refusal_of

AUDIENCE = "capture"
_GET_CAPTURE = "/systemzero.capture.v1.CaptureService/GetCapture"
TIMEOUT = 10.0
"""Seconds that the capture service may take to send a tree."""


class TreeSources:
    """Resolves `TreeSource` messages; what is large is read in lanes."""

    def __init__(
        self,
        captures: ReachableChannel,
        signer: IdentitySigner,
        lanes: Lanes,
        rules: RulesByTenant,
    ) -> None:
        """`captures` is a channel to the capture service."""
        self._channel = captures
        self._captures = capture_service_pb2_grpc.CaptureServiceStub(captures)
        self._signer = signer
        self._rules = rules
        self.lanes = lanes

    def told(self, tenant: str) -> bytes:
        """Which texts are a tenant's secrets, for a lane."""
        return self._rules.told(tenant)

    async def fetch(
        self, principal: Principal, source: tree_pb2.TreeSource, field: str, *, hold: bool = False
    ) -> Source:
        """The tree that `source` gives or names, unread; `field` is its path in the request.

        With `hold`, a capture that it names is kept for good: something is made of it.

        Raises:
            InvalidInput: no source is set.
            NotFound: the principal's tenant has no such capture.
            FailedPrecondition: the capture's body was erased.
            Unavailable: the capture service does not answer.
        """
        if source.WhichOneof("source") != "capture_id":
            return given(source, field)
        fields.text(source.capture_id, f"{field}.capture_id", least=1)
        return await self.capture(principal, source.capture_id, hold=hold)

    async def capture(self, principal: Principal, capture_id: str, *, hold: bool) -> Source:
        """A stored capture, with its tree unread. Raises, and holds, as `fetch` does."""
        answer = await self._get(principal, capture_id, include_tree=True, hold=hold)
        return of_capture(answer.capture, capture_id)

    async def take(
        self,
        principal: Principal,
        source: Source,
        *,
        document: bool = False,
        things: bool = False,
        layout: bool = False,
    ) -> Taken:
        """A source taken in: what is asked for of its tree besides its signatures.

        Raises:
            InvalidInput, TooLarge: it is no tree.
        """
        tenant = principal.tenant
        asked = Asked(document, things, layout)
        done = await self.lanes.do(tenant, source.size, take, source, self.told(tenant), asked)
        return Taken.decoded(done)

    async def hold(self, principal: Principal, capture_id: str) -> None:
        """Keep a stored capture for good. Raises as `resolve` does."""
        await self._get(principal, capture_id, hold=True)

    async def _get(
        self, principal: Principal, capture_id: str, **wanted: bool
    ) -> capture_service_pb2.GetCaptureResponse:
        request = capture_service_pb2.GetCaptureRequest(capture_id=capture_id, **wanted)
        token, outgoing = self._signer.token(principal, AUDIENCE), Outgoing(_GET_CAPTURE, AUDIENCE)
        try:
            answer: capture_service_pb2.GetCaptureResponse = await ask(
                self._channel, self._captures.GetCapture, request, outgoing, token, TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            raise _translated(error, capture_id) from None
        return answer


def _translated(error: grpc.aio.AioRpcError, capture_id: str) -> Exception:
    if error.code() is grpc.StatusCode.NOT_FOUND:
        return NotFound(f"no capture {capture_id!r:.120}")
    if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
        return FailedPrecondition(f"the body of capture {capture_id!r:.120} was erased")
    if error.code() in AWAY:
        return Unavailable("the capture service does not answer; try again")
    if error.code() is grpc.StatusCode.DATA_LOSS:
        return DataCorrupted(f"the stored capture {capture_id!r:.120} is damaged")
    if (refused := refusal_of(error)) is not None:
        return refused
    return error  # a fault of the platform's own: logged whole, sent generic
