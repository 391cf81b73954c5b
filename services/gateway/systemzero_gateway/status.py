"""How the platform is, asked of the backends now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import grpc

from systemzero.log.v1 import log_service_pb2
from systemzero_chassis.identity import METADATA_KEY, IdentitySigner, Principal
from systemzero_core.errors import Unavailable
from systemzero_gateway.backends import Backend
from systemzero_gateway.breaker import State

PROBE_SECONDS = 2.0

_CHECKPOINT = "/systemzero.log.v1.LogService/GetCheckpoint"


class Probe(NamedTuple):
    """What a backend said of itself, how long it took, in seconds, and its breaker's state.

    `latency` is None where it said nothing in time.
    """

    name: str
    serving: bool
    latency: float | None
    breaker: State


async def probe_all(backends: Mapping[str, Backend]) -> list[Probe]:
    """Ask every backend at the same time."""
    return list(await asyncio.gather(*(_probe(*item) for item in sorted(backends.items()))))


async def _probe(name: str, backend: Backend) -> Probe:
    started = time.perf_counter()
    answer = await backend.look()
    latency = None if answer is None else time.perf_counter() - started
    return Probe(name, answer is True, latency, backend.breaker.state)


async def newest_checkpoint(
    backend: Backend, signer: IdentitySigner, principal: Principal
) -> log_service_pb2.GetCheckpointResponse:
    """The principal's newest checkpoint; an empty message where the log does not answer."""
    get = backend.channel.unary_unary(
        _CHECKPOINT,
        log_service_pb2.GetCheckpointRequest.SerializeToString,
        log_service_pb2.GetCheckpointResponse.FromString,
    )
    identity = (METADATA_KEY, signer.token(principal, backend.name))
    request = log_service_pb2.GetCheckpointRequest()
    answer = log_service_pb2.GetCheckpointResponse()
    with suppress(grpc.aio.AioRpcError, Unavailable):
        await backend.reach(PROBE_SECONDS)
        answer = await get(request, timeout=PROBE_SECONDS, metadata=(identity,))
    return answer
