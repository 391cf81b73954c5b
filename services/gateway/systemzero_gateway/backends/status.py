"""The status of the platform, read from the backends on request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, NamedTuple, TypeVar

import grpc
from google.protobuf.message import Message

from systemzero.log.v1 import log_service_pb2
from systemzero.usage.v1 import usage_service_pb2
from systemzero_base.internal.identity import METADATA_KEY, IdentitySigner, Principal
from systemzero_core.errors import DataCorrupted, Unavailable
from systemzero_gateway.backends.backend import Backend
from systemzero_gateway.backends.breaker import State

PROBE_SECONDS = 2.0

M = TypeVar("M", bound=Message)

_CHECKPOINT: Final = "/systemzero.log.v1.LogService/GetCheckpoint"
_USAGE: Final = "/systemzero.usage.v1.UsageService/GetUsage"


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
    """The principal's newest checkpoint; an empty message where the log does not answer.

    Raises:
        DataCorrupted: the log is damaged; says what to do.
    """
    request, kind = log_service_pb2.GetCheckpointRequest(), log_service_pb2.GetCheckpointResponse
    answer = await _asked(backend, signer, principal, _CHECKPOINT, request, kind)
    return kind() if answer is None else answer


async def usages(
    backends: Mapping[str, Backend], signer: IdentitySigner, principal: Principal
) -> dict[str, usage_service_pb2.GetUsageResponse | None]:
    """What the principal's tenant stores in each backend; None of one that does not say."""

    async def usage(backend: Backend) -> usage_service_pb2.GetUsageResponse | None:
        request, kind = usage_service_pb2.GetUsageRequest(), usage_service_pb2.GetUsageResponse
        with suppress(DataCorrupted):
            return await _asked(backend, signer, principal, _USAGE, request, kind)
        return None

    asked = map(usage, backends.values())
    return dict(zip(backends, await asyncio.gather(*asked), strict=True))


async def _asked(
    backend: Backend,
    signer: IdentitySigner,
    principal: Principal,
    method: str,
    request: Message,
    kind: type[M],
) -> M | None:
    """What a backend answers the principal; None where it does not, or not in time.

    Raises:
        DataCorrupted: what was asked for is damaged.
    """
    ask = backend.channel.unary_unary(method, type(request).SerializeToString, kind.FromString)
    identity = (METADATA_KEY, signer.token(principal, backend.name))
    with suppress(Unavailable):
        await backend.reach(PROBE_SECONDS)
        try:
            answer: M = await ask(request, timeout=PROBE_SECONDS, metadata=(identity,))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.DATA_LOSS:
                raise DataCorrupted(error.details() or "its data is damaged") from error
            return None
        return answer
    return None
