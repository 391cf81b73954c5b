"""A service as processes run it: alone behind a port, or with others in one process.

Invariants:
1. `start` returns when the service can answer; health says SERVING only then.
2. On SIGTERM or SIGINT health says NOT_SERVING, calls in flight get `grace` seconds, then `stop`.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import signal
from collections.abc import Awaitable, Sequence
from types import FrameType
from typing import Any, Final, Protocol

from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection
from grpc_reflection.v1alpha.reflection_pb2_grpc import add_ServerReflectionServicer_to_server
from structlog.typing import FilteringBoundLogger

from systemzero_base.settings.addresses import is_loopback, split
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Loops
from systemzero_base.work.memory import calm_collector
from systemzero_runtime.operations.sampler import Sampler
from systemzero_runtime.serving.health import Health, HealthPort, anonymous_registry
from systemzero_runtime.serving.public import Handlers
from systemzero_runtime.serving.reflecting import Reflection
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_runtime.serving.server import Server
from systemzero_runtime.serving.tls import ServerTls

MESSAGE_SLACK = 65_536
"""Bytes by which the transport's own bound exceeds the platform's, so that the refusal that the
client sees is the platform's, with a reason."""
WINDOWS: Final = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 262_144))
"""What a caller of services takes in of a stream that it does not read: 256 KiB. A window that
grows with the line's speed would be some megabytes, of as many streams as there are. One that is
read gets what its message needs, all the same."""
_WINDOWS_OF_SERVER: Final = (
    ("grpc.http2.bdp_probe", 0),
    ("grpc.http2.lookahead_bytes", 32_768),
)
"""The same of a server: 32 KiB. What it takes in of a held stream is work of the transport, by the
message, that no rate has let pass: thirty streams of tiny messages, at eight times as much, kept
all connections waiting for half a second at a time. A larger message takes one more round trip."""
_PENDING_CALLS = 10_000
"""Calls that may wait to be taken. gRPC's own bound is 1,000, and it ends those beyond as CANCELLED
without a word; taken, they are shed by the bounds of calls in flight, with a reason."""


class Service(Protocol):
    """One of the platform's services, composed but not yet running.

    Attributes:
        name: the service's.
        sampler: what looks at it; started and stopped with the service.
        loops: its background loops.
    """

    name: str
    sampler: Sampler
    loops: Loops

    def register(self, registry: HandlerRegistry) -> None:
        """Add the servicers to `registry`."""

    async def start(self) -> None:
        """Open what must be open before the first call."""

    async def stop(self) -> None:
        """Close it, after the last call."""


def server_options(max_message_bytes: int, *, shared_port: bool = False) -> list[tuple[str, Any]]:
    """GRPC server options: size bounds, connection ageing, a port of its own unless told."""
    limit = max_message_bytes + MESSAGE_SLACK
    return [
        ("grpc.max_receive_message_length", limit),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_connection_age_ms", 300_000),
        ("grpc.max_connection_age_grace_ms", 30_000),
        ("grpc.max_metadata_size", 16_384),
        ("grpc.server.max_pending_requests", _PENDING_CALLS),
        ("grpc.server.max_pending_requests_hard_limit", 2 * _PENDING_CALLS),
        # Keepalive pings on a quiet watch are no abuse; gRPC's own bound is one in five minutes.
        ("grpc.http2.min_ping_interval_without_data_ms", 20_000),
        *_WINDOWS_OF_SERVER,
        ("grpc.so_reuseport", int(shared_port)),
    ]


class Listener:
    """A gRPC server for handlers, with health and reflection beside them.

    Whoever says nothing else through `health` serves from `start` on.
    """

    def __init__(
        self,
        handlers: Sequence[Handlers],
        services: Sequence[str],
        max_message_bytes: int,
        tls: ServerTls | None = None,
        *,
        loops: Loops | None = None,
        shared_port: bool = False,
        health_address: str = "",
    ) -> None:
        """With `health_address` health is served there, too, in the clear and alone.

        `loops` are those of the service that is served; a server that is alone has its own.
        """
        loops = loops or Loops("server", get_logger("server"))
        self._tls = tls  # handshakes call it: it has to live as long as the server
        self._server = Server(
            server_options(max_message_bytes, shared_port=shared_port), loops.streak("accepting")
        )
        for handler in handlers:
            self._server.add(handler)
        self.health = Health(services)
        self._health_address = health_address
        self._health_port = (
            HealthPort(self.health, loops.streak("health_port"), shared_port=shared_port)
            if health_address
            else None
        )
        names = (*services, health.SERVICE_NAME, reflection.SERVICE_NAME)
        self._reflection = Reflection(names)
        anonymous = anonymous_registry(self.health)
        anonymous.add(add_ServerReflectionServicer_to_server, self._reflection)
        self._server.add(anonymous)

    async def start(self, address: str, *, serving: bool = True) -> int:
        """Listen on `address` (`host:port`, port 0 picks one); the port that it is.

        Where `serving` is off, what serves is left to be said through `health`.

        Raises:
            RuntimeError: the address can't be bound.
        """
        if self._tls is None:
            _warn_in_the_clear(address)
        credentials = None if self._tls is None else self._tls.credentials()
        port = await self._server.start(address, credentials)
        if self._health_port is not None:
            await self._health_port.start(self._health_address)
        if serving:
            self.health.set_all(True)
        return port

    async def stop(self, grace: float) -> None:
        """Say NOT_SERVING, give calls in flight `grace` seconds, end."""
        self.health.stop()
        self._reflection.stop()
        await self._server.stop(grace)
        if self._health_port is not None:
            await self._health_port.stop()


def _warn_in_the_clear(address: str) -> None:
    """Say that whoever is on the way reads the calls, where others than this machine can call."""
    if not is_loopback(split(address)[0]):
        get_logger("listener").warning(
            "listening in the clear",
            address=address,
            advice="set tls, or listen on 127.0.0.1 behind something that has it",
        )


CLOSE_SECONDS: Final = 5.0
"""What closing may take once calls have had their grace, whatever a database or a store does."""


async def closed_in_time(closing: Awaitable[None], logger: FilteringBoundLogger) -> None:
    """Wait for `closing`, and give it up after `CLOSE_SECONDS`: what it had to write is then lost.

    A database that hangs would else hold the process until it is killed, which loses as much and
    says nothing.
    """
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await closing
    except TimeoutError:
        logger.error("closing.gave_up", seconds=CLOSE_SECONDS)  # noqa: TRY400 - no stack helps


async def until_signal() -> None:
    """Serve: wait for SIGTERM or SIGINT. Further ones, until the process has ended, change nothing.

    A worker also stops when its supervisor is gone.

    Not by the loop's own handlers: those go with the loop, and a second signal (a terminal's Ctrl-C
    and a supervisor's SIGTERM) would then cut the end of the shutdown off.
    """
    calm_collector()
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stopped.set)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    parent = multiprocessing.parent_process()
    if parent is None:
        await stopped.wait()
        return
    loop.add_reader(parent.sentinel, stopped.set)
    await stopped.wait()
    loop.remove_reader(parent.sentinel)
