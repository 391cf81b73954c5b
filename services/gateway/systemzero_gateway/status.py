"""How the platform is, asked of the backends now."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import grpc
from grpc_health.v1 import health_pb2

from systemzero.log.v1 import log_service_pb2
from systemzero_chassis.identity import METADATA_KEY, IdentitySigner, Principal

PROBE_SECONDS = 2.0

_HEALTH = "/grpc.health.v1.Health/Check"
_CHECKPOINT = "/systemzero.log.v1.LogService/GetCheckpoint"


class Probe(NamedTuple):
    """What a backend said of itself, and how long it took, in seconds."""

    name: str
    serving: bool
    latency: float


async def probe_all(backends: Mapping[str, grpc.aio.Channel]) -> list[Probe]:
    """Ask every backend at the same time."""
    return list(await asyncio.gather(*(_probe(*item) for item in sorted(backends.items()))))


async def _probe(name: str, channel: grpc.aio.Channel) -> Probe:
    started = time.perf_counter()
    check = channel.unary_unary(
        _HEALTH,
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    try:
        answer = await check(health_pb2.HealthCheckRequest(), timeout=PROBE_SECONDS)
        serving = answer.status == health_pb2.HealthCheckResponse.SERVING
    except grpc.aio.AioRpcError as error:
        # a backend of the same process keeps no health of its own: that it answers is the answer
        serving = error.code() is grpc.StatusCode.UNIMPLEMENTED
    return Probe(name, serving, time.perf_counter() - started)


async def newest_checkpoint(
    channel: grpc.aio.Channel, backend: str, signer: IdentitySigner, principal: Principal
) -> log_service_pb2.GetCheckpointResponse:
    """The principal's newest checkpoint; an empty message where the log does not answer."""
    get = channel.unary_unary(
        _CHECKPOINT,
        log_service_pb2.GetCheckpointRequest.SerializeToString,
        log_service_pb2.GetCheckpointResponse.FromString,
    )
    identity = (METADATA_KEY, signer.token(principal, backend))
    request = log_service_pb2.GetCheckpointRequest()
    answer = log_service_pb2.GetCheckpointResponse()
    with suppress(grpc.aio.AioRpcError):
        answer = await get(request, timeout=PROBE_SECONDS, metadata=(identity,))
    return answer
