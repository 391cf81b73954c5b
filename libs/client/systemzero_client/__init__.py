"""System//Zero's Python SDK: async, typed, and it verifies what the log claims itself.

    async with Client("127.0.0.1:50051", api_key=secret) as client:
        reply = await client.ingest(Document(capture), check=True)
        print(VerdictKind.Name(reply.verdict.kind))

Invariants:
1. Every failure of a call is a `SystemZeroError`; no gRPC exception leaves the SDK.
2. A credential is sent in the clear to loopback alone, unless the caller says otherwise.
3. Only what the contract calls idempotent is ever sent twice.
"""

from systemzero_client.captures import IngestFailure, IngestReply, Outcome
from systemzero_client.channel import Tls, Transport
from systemzero_client.client import Client
from systemzero_client.documents import Document, Sighting, encode_document
from systemzero_client.errors import SystemZeroError
from systemzero_client.events import WatchedEvent
from systemzero_client.streams import Backoff

__all__ = [
    "Backoff",
    "Client",
    "Document",
    "IngestFailure",
    "IngestReply",
    "Outcome",
    "Sighting",
    "SystemZeroError",
    "Tls",
    "Transport",
    "WatchedEvent",
    "encode_document",
]
