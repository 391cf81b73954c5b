"""Where the trees of a request come from: the request itself, or the capture service."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import grpc

from systemzero.capture.v1 import tree_service_pb2, tree_service_pb2_grpc
from systemzero.tree.v1 import tree_pb2
from systemzero_base.internal.identity import IdentitySigner, Principal
from systemzero_base.lanes.dispatch import Lanes
from systemzero_base.settings.redacting import RulesByTenant
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_core.errors import (
    DataCorrupted,
    FailedPrecondition,
    NotFound,
    Unavailable,
)
from systemzero_diff.codec.sources import given, of_capture
from systemzero_diff.model import Source
from systemzero_diff.work.taking import TakenTree, WantedParts, take, unpack
from systemzero_runtime.calls.asking import AWAY, ask
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_wire import fields
from systemzero_wire.errors import refusal_of

AUDIENCE = "capture"
_GET_TREES = "/systemzero.capture.v1.TreeService/GetTrees"
TIMEOUT = 10.0
"""Seconds that the capture service may take to send trees."""


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
        self._trees = tree_service_pb2_grpc.TreeServiceStub(captures)
        self._signer = signer
        self._rules = rules
        self.lanes = lanes

    def told(self, tenant: str) -> bytes:
        """Which texts are a tenant's secrets, for a lane."""
        return self._rules.told(tenant)

    async def fetch(self, principal: Principal, source: tree_pb2.TreeSource, field: str) -> Source:
        """The tree that `source` gives or names, unread; `field` is its path in the request.

        Raises:
            InvalidInput: no source is set.
            NotFound: the principal's tenant has no such capture.
            FailedPrecondition: the capture's body was erased.
            Unavailable: the capture service does not answer.
        """
        (fetched,) = await self._all(principal, {field: source}, hold=False)
        return fetched

    async def fetch_all(
        self, principal: Principal, sources: Sequence[tree_pb2.TreeSource], field: str
    ) -> list[Source]:
        """As `fetch`, for something that is made of them: captures among them are kept for good."""
        named = {f"{field}[{i}]": source for i, source in enumerate(sources)}
        return await self._all(principal, named, hold=True)

    async def _all(
        self, principal: Principal, sources: Mapping[str, tree_pb2.TreeSource], *, hold: bool
    ) -> list[Source]:
        ids = [
            fields.text(source.capture_id, f"{field}.capture_id", least=1)
            for field, source in sources.items()
            if source.WhichOneof("source") == "capture_id"
        ]
        own = [
            None if source.WhichOneof("source") == "capture_id" else given(source, field)
            for field, source in sources.items()
        ]
        stored = iter(await self.captures(principal, ids, hold=hold) if ids else ())
        return [next(stored) if each is None else each for each in own]

    async def captures(
        self, principal: Principal, capture_ids: Sequence[str], *, hold: bool
    ) -> list[Source]:
        """Stored captures, their trees unread, by one call. Raises as `fetch`.

        With `hold`, they are kept for good: something is made of them.
        """
        request = tree_service_pb2.GetTreesRequest(capture_ids=capture_ids, hold=hold)
        token, client_span = (
            self._signer.token(principal, AUDIENCE),
            ClientSpan(_GET_TREES, AUDIENCE),
        )
        try:
            answer: tree_service_pb2.GetTreesResponse = await ask(
                self._channel, self._trees.GetTrees, request, client_span, token, TIMEOUT
            )
        except grpc.aio.AioRpcError as error:
            raise _translated(error) from None
        return [of_capture(stored) for stored in answer.trees]

    async def document(self, principal: Principal, capture_id: str) -> bytes:
        """The tree of a stored capture, as own tree JSON. Raises as `fetch`."""
        (source,) = await self.captures(principal, [capture_id], hold=False)
        return await self.lanes.do(principal.tenant, source.size, unpack, source)

    async def take(
        self,
        principal: Principal,
        source: Source,
        *,
        document: bool = False,
        things: bool = False,
        layout: bool = False,
    ) -> TakenTree:
        """A source taken in: what is asked for of its tree besides its signatures.

        Raises:
            InvalidInput, TooLarge: it is no tree.
        """
        tenant = principal.tenant
        asked = WantedParts(document, things, layout)
        done = await self.lanes.do(tenant, source.size, take, source, self.told(tenant), asked)
        return TakenTree.decoded(done)

    async def hold(self, principal: Principal, capture_id: str) -> None:
        """Keep a stored capture for good. Raises as `fetch` does."""
        await self.captures(principal, [capture_id], hold=True)


def _translated(error: grpc.aio.AioRpcError) -> Exception:
    if error.code() is grpc.StatusCode.NOT_FOUND:
        return NotFound(error.details() or "no such capture")
    if error.code() is grpc.StatusCode.FAILED_PRECONDITION:
        return FailedPrecondition(error.details() or "the body of a capture was erased")
    if error.code() in AWAY:
        return Unavailable("the capture service does not answer; try again")
    if error.code() is grpc.StatusCode.DATA_LOSS:
        return DataCorrupted(error.details() or "a stored capture is damaged")
    if (refused := refusal_of(error)) is not None:
        return refused
    return error  # a fault of the platform's own: logged whole, sent generic
