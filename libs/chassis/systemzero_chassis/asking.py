"""Calls from one service to another, seen as parts of the call that they are made for."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import grpc

from systemzero_chassis.identity import METADATA_KEY
from systemzero_chassis.observed import Outgoing

AWAY: Final = frozenset(
    (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
)
"""Statuses with which a service does not answer. CANCELLED is what gRPC's server says, when it is
stopped, to a call that nobody has taken yet."""


async def ask(rpc: Any, request: Any, outgoing: Outgoing, identity: str, seconds: float) -> Any:
    """What `rpc`, a stub's method with one response, answers within so many `seconds`.

    `identity` is the token by which the other service knows on whose behalf it is asked.

    Raises:
        AioRpcError: the call failed.
    """
    metadata = ((METADATA_KEY, identity), *outgoing.metadata())
    try:
        answer = await rpc(request, timeout=seconds, metadata=metadata)
    except grpc.aio.AioRpcError as error:
        outgoing.over(error.code().name)
        raise
    except asyncio.CancelledError:
        outgoing.over("CANCELLED")
        raise
    outgoing.over("OK")
    return answer
