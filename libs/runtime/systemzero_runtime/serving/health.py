"""`grpc.health.v1` for a server: which services serve, and word of it when that changes.

grpcio-health-checking's servicer holds a lock while it writes to a watcher, so that one who reads
nothing stops all news, and its watches never end, so that they use up every grace at shutdown.

Invariants:
1. Telling takes no watcher's time: `set` and `stop` return at once, whoever reads or does not.
2. After `stop` every service is NOT_SERVING for good, and every watch ends once it has said so.
3. Watches are bounded, since nobody is asked for a credential: in all, and of each network.
4. Calls whose message does not come are bounded alike, last some seconds, and end at a stop.
5. `LIVENESS` is SERVING for as long as anybody answers: it is no service, but the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any, Final

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.streak import Streak
from systemzero_core.errors import InvalidInput
from systemzero_runtime.interceptors.chain import Call
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.serving.anonymous import AnonymousStreams
from systemzero_runtime.serving.awaiting import FirstMessages
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_runtime.serving.server import Server

LIVENESS = "liveness"
"""The name that stands for the process itself, whatever its services say."""
READINESS = "readiness"
"""The name that stands for whether the process takes calls, which its ops page explains."""
WHOLE = ""
"""The name that stands for all services together."""

MAX_NAME: Final = 256
WATCHES: Final = 1_000
OF_NETWORK: Final = 100
_MAX_REQUEST_BYTES = 4_096


class Health(health_pb2_grpc.HealthServicer):  # type: ignore[misc] # has no types
    """The servicer; `names` are known from the start, and not serving yet."""

    def __init__(self, names: Iterable[str]) -> None:
        self._serving = {WHOLE: False, READINESS: False, **dict.fromkeys(names, False)}
        self._stopped = False
        self.watches = AnonymousStreams("health", WATCHES, OF_NETWORK)
        self.awaited = FirstMessages("health_request", WATCHES, OF_NETWORK)
        self._changed = asyncio.Event()

    def set(self, name: str, serving: bool) -> None:
        """Say whether the service `name` serves."""
        if not self._stopped and self._serving[name] is not serving:
            self._serving[name] = serving
            self._tell()

    def set_all(self, serving: bool) -> None:
        """Say of every service, and of the whole, whether it serves."""
        for name in self._serving:
            self.set(name, serving)

    def stop(self) -> None:
        """Say NOT_SERVING of everything, for good."""
        self.set_all(False)
        self._stopped = True
        self._tell()
        self.awaited.stop()

    async def Check(  # noqa: N802 - named by the protocol
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> health_pb2.HealthCheckResponse:
        """Whether a service serves, now.

        Raises:
            InvalidInput: the name is too long.
        """
        _check_name(request.service)
        if request.service not in {LIVENESS, *self._serving}:
            await context.abort(grpc.StatusCode.NOT_FOUND, "no such service")
        return self._answer(request.service)

    async def List(  # noqa: N802 - named by the protocol
        self, request: health_pb2.HealthListRequest, context: Any
    ) -> health_pb2.HealthListResponse:
        """Which services serve, now."""
        answers = {name: self._answer(name) for name in self._serving}
        return health_pb2.HealthListResponse(statuses=answers)

    async def Watch(  # noqa: N802 - named by the protocol
        self, request: health_pb2.HealthCheckRequest, context: Any
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """Whether a service serves, now and whenever that changes.

        Raises:
            InvalidInput: the name is too long.
            TooManyInFlight: the caller's network has as many watches as it may.
            Overloaded: there are as many as there may be.
        """
        _check_name(request.service)
        with self.watches.open(context):
            async for answer in self._each(request.service):
                yield answer

    async def _each(self, name: str) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        said = None
        while True:
            changed, answer = self._changed, self._answer(name)
            if answer != said:
                said = answer
                yield answer
            elif self._stopped:
                return
            else:
                await changed.wait()

    def _answer(self, name: str) -> health_pb2.HealthCheckResponse:
        status = health_pb2.HealthCheckResponse
        if name == LIVENESS:
            return status(status=status.SERVING)
        if name not in self._serving:
            return status(status=status.SERVICE_UNKNOWN)
        return status(status=status.SERVING if self._serving[name] else status.NOT_SERVING)

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _check_name(name: str) -> None:
    """Refuse what is no name: a watch would hold it for as long as it lasts."""
    if len(name) > MAX_NAME:
        raise InvalidInput.at("service", f"longer than {MAX_NAME} characters")


def anonymous_registry(health: Health) -> HandlerRegistry:
    """`health` as it is served: to everybody, with what is refused told as anywhere else."""
    registry = HandlerRegistry([errors_interceptor(_report)], health.awaited.before)
    registry.add(health_pb2_grpc.add_HealthServicer_to_server, health)
    return registry


def _report(call: Call, error: BaseException) -> None:
    get_logger("listener").error("internal error", rpc_method=call.method, exc_info=error)


class HealthPort:
    """A port in the clear on which `grpc.health.v1` is served and nothing else.

    For probes: kubelet's can neither speak TLS nor show a certificate.
    """

    def __init__(self, health: Health, streak: Streak, *, shared_port: bool = False) -> None:
        """For `streak` see `Server`."""
        options = [
            ("grpc.max_receive_message_length", _MAX_REQUEST_BYTES),
            ("grpc.max_metadata_size", 16_384),
            ("grpc.so_reuseport", int(shared_port)),
        ]
        self._server = Server(options, streak)
        self._server.add(anonymous_registry(health))

    async def start(self, address: str) -> int:
        """Listen on `address` (`host:port`, port 0 picks one); the port that it is.

        Raises:
            RuntimeError: the address can't be bound.
        """
        return await self._server.start(address)

    async def stop(self) -> None:
        """Answer no more."""
        await self._server.stop(0)
