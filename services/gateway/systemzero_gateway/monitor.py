"""Asks one backend, again and again, whether it serves.

The answers are the health that the gateway tells of the backend's services, and the probes of its
breaker. One question is on its way at a time, and none takes longer than `PROBE_SECONDS`.
"""

from __future__ import annotations

from collections.abc import Callable

import grpc
from grpc_health.v1 import health_pb2

from systemzero_gateway import metrics
from systemzero_gateway.backends import Backend
from systemzero_gateway.breaker import State

PROBE_SECONDS = 1.0
INTERVAL = 1.0
"""Seconds between two questions."""

_HEALTH = "/grpc.health.v1.Health/Check"


async def probe(channel: grpc.aio.Channel, seconds: float) -> bool | None:
    """Whether what is behind `channel` says that it serves; None where it says nothing in time.

    In time is: in `seconds`.
    """
    check = channel.unary_unary(
        _HEALTH,
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    try:
        answer = await check(health_pb2.HealthCheckRequest(), timeout=seconds)
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            return None
        # a backend of the same process keeps no health of its own: that it answers is the answer
        return error.code() is grpc.StatusCode.UNIMPLEMENTED
    # None is what the transport makes of bytes that are no message
    return answer is not None and answer.status == health_pb2.HealthCheckResponse.SERVING


class Monitor:
    """Keeps `serving` of one backend true to it."""

    def __init__(self, backend: Backend, changed: Callable[[], None]) -> None:
        """`changed` is told whenever `serving` is another."""
        self._backend = backend
        self._changed = changed
        self._said = self.serving = False
        backend.tell(self._conclude)

    async def look(self) -> None:
        """Ask once, unless the breaker's pause is not over."""
        breaker = self._backend.breaker
        if not breaker.begin_probe():
            return
        try:
            answer = await probe(self._backend.channel, PROBE_SECONDS)
        except BaseException:
            breaker.end_probe(False)  # or there would never be another
            raise
        if answer is not None:  # a late answer is no word: a busy moment is no outage
            self._said = answer
        breaker.end_probe(answer is True)
        self._conclude()

    def _conclude(self) -> None:
        serving = self._said and self._backend.breaker.state is State.CLOSED
        metrics.SERVING.labels(self._backend.name).set(serving)
        if serving is not self.serving:
            self.serving = serving
            self._changed()
