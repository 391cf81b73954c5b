"""Calls from one service to another. Each is a span below the call that caused it."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Final

import grpc

from systemzero_base.internal.identity import METADATA_KEY
from systemzero_base.telemetry.observed import ClientSpan
from systemzero_runtime.calls.reaching import PATIENCE, ReachableChannel

AWAY: Final = frozenset(
    (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED)
)
"""Statuses with which a service does not answer. CANCELLED is what gRPC's server says, when it is
stopped, to a call that nobody has taken yet."""


async def ask(
    channel: ReachableChannel,
    rpc: Any,
    request: Any,
    client_span: ClientSpan,
    identity: str,
    seconds: float,
) -> Any:
    """What `rpc`, a method with one response of a stub on `channel`, answers within `seconds`.

    `identity` is the token by which the other service knows on whose behalf it is asked. One
    that is not there is waited for as `ReachableChannel.reach` says.

    Raises:
        AioRpcError: the call failed.
    """
    metadata = ((METADATA_KEY, identity), *client_span.metadata())
    give_up = time.monotonic() + seconds
    try:
        if not channel.is_ready:  # where it can't be reached, the call itself says so
            await channel.reach(min(seconds, PATIENCE))
        answer = await rpc(request, timeout=give_up - time.monotonic(), metadata=metadata)
    except grpc.aio.AioRpcError as error:
        client_span.over(error.code().name)
        raise
    except asyncio.CancelledError:
        client_span.over("CANCELLED")
        raise
    client_span.over("OK")
    return answer
