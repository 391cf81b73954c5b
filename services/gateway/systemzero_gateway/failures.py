"""How a call to a backend failed: by the backend's own word, or on the way there."""

from __future__ import annotations

from typing import Any, Final

import grpc

from systemzero_core.errors import DeadlineExceeded, DomainError, Unavailable, UnknownMethod
from systemzero_wire.errors import STATUS_DETAILS_KEY

GONE: Final = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
"""What a call ends with that no replica took; CANCELLED where one was stopped with it waiting."""


def has_details(error: grpc.aio.AioRpcError) -> bool:
    """Whether the backend itself made the error: the transport's have no details."""
    trailers: Any = error.trailing_metadata() or ()
    return any(key == STATUS_DETAILS_KEY for key, _ in trailers)


def transport_failure(code: grpc.StatusCode, backend: str) -> DomainError:
    """What to say where the backend itself said nothing."""
    metadata = {"backend": backend}
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlineExceeded("the deadline passed", metadata=metadata)
    if code is grpc.StatusCode.UNIMPLEMENTED:
        return UnknownMethod("the backend does not serve this method", metadata=metadata)
    return Unavailable(f"the {backend} service does not answer", metadata=metadata)
