"""The evidence log and the audit log, read from the server and not verified.

Believe none of it before `verify` has looked at it.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Any

from systemzero.gateway.v1 import audit_service_pb2, audit_service_pb2_grpc
from systemzero.log.v1 import log_service_pb2 as pb
from systemzero.log.v1 import log_service_pb2_grpc
from systemzero_client.channel import Transport

_EXPORT_TIMEOUT = 3600.0
"""Seconds that an export may take."""


class Log:
    """LogService, and AuditService, whose messages are alike, field by field."""

    def __init__(self, transport: Transport, *, audit: bool = False) -> None:
        """The gateway's `audit` log instead of the evidence log, if that is meant."""
        self._transport = transport
        if audit:
            self._messages: Any = audit_service_pb2
            self._stub: Any = audit_service_pb2_grpc.AuditServiceStub(transport.channel)
        else:
            self._messages = pb
            self._stub = log_service_pb2_grpc.LogServiceStub(transport.channel)

    async def entries(self, *, start: int = 0, page_size: int = 200) -> AsyncGenerator[pb.Entry]:
        """The entries from index `start` on; pages are fetched as they are needed."""
        request = self._messages.ListEntriesRequest(start=start, page_size=page_size)
        async for entry in self._transport.pages(self._stub.ListEntries, request, "entries"):
            yield entry

    async def checkpoint(self) -> pb.GetCheckpointResponse:
        """The newest signed checkpoint, and the key that the server says is the log's."""
        response: pb.GetCheckpointResponse = await self._transport.unary(
            self._stub.GetCheckpoint, self._messages.GetCheckpointRequest()
        )
        return response

    async def inclusion_proof(
        self, index: int, *, tree_size: int = 0
    ) -> pb.GetInclusionProofResponse:
        """The proof that an entry is in the tree of a size; 0 is the newest checkpoint's."""
        request = self._messages.GetInclusionProofRequest(index=index, tree_size=tree_size)
        response: pb.GetInclusionProofResponse = await self._transport.unary(
            self._stub.GetInclusionProof, request
        )
        return response

    async def consistency_proof(
        self, from_size: int, *, to_size: int = 0
    ) -> pb.GetConsistencyProofResponse:
        """The proof that the tree of `to_size` (0: the newest) extends that of `from_size`."""
        request = self._messages.GetConsistencyProofRequest(from_size=from_size, to_size=to_size)
        response: pb.GetConsistencyProofResponse = await self._transport.unary(
            self._stub.GetConsistencyProof, request
        )
        return response

    async def export(
        self, form: pb.ExportFormat.ValueType = pb.EXPORT_FORMAT_JSON_LINES, *, start: int = 0
    ) -> AsyncGenerator[bytes]:
        """The log from entry `start` on as a document, in chunks of at most 64 KiB.

        Raises:
            SystemZeroError: the call failed, or nothing came for as long as a call may take.
        """
        request = self._messages.ExportEntriesRequest(format=form, start_index=start)
        silence = self._transport.timeout
        stream = self._transport.stream(
            self._stub.ExportEntries, request, _EXPORT_TIMEOUT, silence=silence
        )
        async for response in stream:
            yield response.chunk

    async def bundle(self, index: int, *, pinned_size: int = 0) -> bytes:
        """An entry with all that it takes to verify it offline, but the log's key.

        With `pinned_size` it also proves that the log extends the one of that size.
        """
        request = self._messages.GetProofBundleRequest(index=index, pinned_size=pinned_size)
        response: pb.GetProofBundleResponse = await self._transport.unary(
            self._stub.GetProofBundle, request
        )
        return response.bundle
