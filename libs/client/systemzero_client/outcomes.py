"""The result of each capture given to `ingest_many`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TypeAlias

from systemzero.capture.v1 import capture_service_pb2 as pb
from systemzero_client.edge import EdgeCapture
from systemzero_client.errors import SystemZeroError
from systemzero_client.failures import of_message
from systemzero_client.messages import encode_document
from systemzero_core.errors import DomainError


@dataclass(frozen=True, slots=True)
class IngestReply:
    """A capture was taken in; `index` is its place among those handed in, from 0."""

    index: int
    response: pb.IngestResponse


@dataclass(frozen=True, slots=True)
class IngestFailure:
    """A capture was not taken in: by the service's word, or because it is none, at the edge."""

    index: int
    error: SystemZeroError | DomainError


Outcome: TypeAlias = IngestReply | IngestFailure


class Slot:
    """One capture on its way."""

    def __init__(self, index: int, request: pb.IngestRequest, capture: EdgeCapture) -> None:
        self.index = index
        self.outcome: asyncio.Future[Outcome | BaseException] = (
            asyncio.get_running_loop().create_future()
        )
        self._request = request
        self._capture = capture
        self._by_digest = capture.digest is not None

    def message(self) -> pb.IngestStreamRequest:
        """The next thing to send for it: its digest, or its body."""
        message = pb.IngestStreamRequest(ingest=self._request)
        if self._by_digest:
            message.ingest.full_digest = self._capture.digest or b""
        else:
            message.ingest.native.CopyFrom(encode_document(self._capture.body))
        return message

    def take(self, response: pb.IngestStreamResponse) -> bool:
        """Take the service's answer; False where it asks for the body."""
        if response.WhichOneof("outcome") == "failure":
            error = of_message(response.failure)
            self.outcome.set_result(IngestFailure(self.index, error))
        elif response.ingest.body_needed and self._by_digest:
            self._by_digest = False
            return False
        else:
            self.outcome.set_result(IngestReply(self.index, response.ingest))
        return True
