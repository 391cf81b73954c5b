"""System//Zero's Python SDK: async, typed, and it verifies what the log claims itself.

    async with Client("127.0.0.1:50051", api_key=secret) as client:
        reply = await client.ingest(Document(capture), check=True)
        print(VerdictKind.Name(reply.verdict.kind))

Invariants:
1. Every failure of a call is a `SystemZeroError`; no gRPC exception leaves the SDK.
2. A credential is sent in the clear to loopback alone, unless the caller says otherwise.
3. Only what the contract calls idempotent is ever sent twice.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from systemzero_client.channel import Tls, Transport
    from systemzero_client.client import Client
    from systemzero_client.documents import Document, Sighting
    from systemzero_client.errors import SystemZeroError
    from systemzero_client.events import WatchedEvent
    from systemzero_client.messages import encode_document
    from systemzero_client.outcomes import IngestFailure, IngestReply, Outcome
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

_HOMES = {
    "Backoff": "streams",
    "Client": "client",
    "Document": "documents",
    "IngestFailure": "outcomes",
    "IngestReply": "outcomes",
    "Outcome": "outcomes",
    "Sighting": "documents",
    "SystemZeroError": "errors",
    "Tls": "channel",
    "Transport": "channel",
    "WatchedEvent": "events",
    "encode_document": "messages",
}
"""The module of each name, imported with its first use: `sz diff` needs no gRPC, nor whoever
verifies a file."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
