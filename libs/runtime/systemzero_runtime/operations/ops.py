"""What operators and orchestrators ask of a process, apart from the port that callers reach.

Over HTTP: `/metrics` (Prometheus, OpenMetrics where it is asked for), `/livez` (the event loop
turns), `/readyz` (it takes calls; if not, why). Over gRPC, on a port of its own: channelz, with the
state of every channel, server and socket. Neither asks for a credential: both are loopback's alone
unless configured otherwise.
"""

from __future__ import annotations

import asyncio
import platform
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, make_server

import msgspec
from grpc_channelz.v1 import channelz, channelz_pb2_grpc
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Gauge,
    Histogram,
    disable_created_metrics,
    make_wsgi_app,
)
from prometheus_client.exposition import ThreadingWSGIServer

from systemzero_base.settings.addresses import split
from systemzero_base.settings.config import AddressOrNowhere, ConfigError, Settings
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.work.background import Loops
from systemzero_base.work.descriptors import Descriptors
from systemzero_base.work.streak import Streak
from systemzero_runtime.interceptors.telemetry import EXEMPLARS
from systemzero_runtime.operations.readiness import Readiness
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_runtime.serving.server import Server

_CHANNELZ_BOUNDS: Final = [
    ("grpc.max_receive_message_length", 4_096),
    ("grpc.max_metadata_size", 16_384),
]
ANSWER_SECONDS = 2.0
"""A process whose event loop does not come round in this time is not alive."""
BEAT_SECONDS: Final = 1.0
_REQUEST_SECONDS = 10
_ROUND_SECONDS: Final = 0.25
"""For which the pages' thread waits for a request before it looks whether it is to end."""

BUILD: Final = Gauge(
    "systemzero_build_info",
    "1, for the service that runs, its version and that of Python.",
    ["service", "version", "python"],
    multiprocess_mode="livemax",
)
LOOP_LAG: Final = Histogram(
    "systemzero_event_loop_lag_seconds",
    "How late the event loop comes round, by a look every second.",
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)

Alive = Callable[[], bool]
Failing = Callable[[], Mapping[str, str]]
"""Why a process takes no calls, by condition; empty where it does."""


class OpsSettings(Settings, frozen=True):
    """Where operators ask; an empty address means nowhere.

    Attributes:
        listen: `host:port` of the HTTP pages; port 0 picks one.
        channelz: `host:port` of channelz; the second worker has the port after it, and so on.
    """

    listen: AddressOrNowhere = "127.0.0.1:9464"
    channelz: AddressOrNowhere = "127.0.0.1:9465"

    def of_worker(self, number: int) -> OpsSettings:
        """Those of one worker, from 0: the HTTP pages are the supervisor's."""
        if not self.channelz:
            return OpsSettings(listen="", channelz="")
        host, _, port = self.channelz.rpartition(":")
        return OpsSettings(listen="", channelz=f"{host}:{int(port) + number if int(port) else 0}")


class OpsPages:
    """The HTTP pages, served by a thread of their own."""

    def __init__(
        self,
        address: str,
        registry: CollectorRegistry,
        alive: Alive,
        failing: Failing,
        loops: Loops,
    ) -> None:
        """`alive` and `failing` are asked in other threads than the caller's.

        Raises:
            ConfigError: the address can't be bound.
        """
        disable_created_metrics()  # type: ignore[no-untyped-call] # one more series for each, which nobody asks for
        host, port = split(address)
        try:
            self._server: Any = make_server(
                host, port, _Pages(registry, alive, failing), _server_class(host), _Handler
            )
        except (OSError, OverflowError) as error:
            raise ConfigError(f"configuration: ops.listen: {address}: {error}") from None
        self.address = f"{address.rpartition(':')[0]}:{self._server.server_port}"
        self._server.timeout = _ROUND_SECONDS
        self._thread = loops.thread("ops", self._server.handle_request)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._thread.stop()
        self._server.server_close()


class _Pages:
    def __init__(self, registry: CollectorRegistry, alive: Alive, failing: Failing) -> None:
        self._metrics: Any = make_wsgi_app(registry)
        self._alive = alive
        self._failing = failing

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start_response)
            return answer
        if path == "/livez":
            alive = self._alive()
            return _answer(start_response, alive, {"alive": alive})
        if path == "/readyz":
            failing = self._failing()
            return _answer(start_response, not failing, {"ready": not failing, "failing": failing})
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"there is /metrics, /livez and /readyz\n"]


def _answer(start_response: Any, good: bool, body: Mapping[str, Any]) -> Iterable[bytes]:
    status = "200 OK" if good else "503 Service Unavailable"
    start_response(status, [("Content-Type", "application/json")])
    return [msgspec.json.encode(body) + b"\n"]


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_SECONDS  # of one who connects and asks nothing

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base
        """Nothing: a log line a scrape helps nobody."""


class _OpsServer(ThreadingWSGIServer):
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Nothing: a peer that goes, or says nothing, is no trouble of ours."""


def _server_class(host: str) -> Any:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return type("OpsServer", (_OpsServer,), {"address_family": family})


def answers(loop: asyncio.AbstractEventLoop) -> Alive:
    """A check, for other threads, that `loop` comes round."""

    def check() -> bool:
        try:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(ANSWER_SECONDS)
        except TimeoutError:
            return False
        return True

    return check


@asynccontextmanager
async def operated(
    service: str, settings: OpsSettings, readiness: Readiness, loops: Loops
) -> AsyncIterator[list[str]]:
    """Serve this process's operators meanwhile, by `loops`; gives lines that say where.

    Raises:
        ConfigError: an address can't be bound.
    """
    BUILD.labels(service, version(f"systemzero-{service}"), platform.python_version()).set(1)
    where, pages, server = [], None, None
    descriptors = Descriptors(get_logger(service))
    readiness.add(
        {f"{service}.process": loops.failing, f"{service}.descriptors": descriptors.failing}
    )
    if settings.channelz:
        streak = loops.streak("channelz", vital=False)
        server, port = await _serve_channelz(settings.channelz, streak)
        where.append(f"channelz on {settings.channelz.rpartition(':')[0]}:{port}")
    if settings.listen:
        alive = answers(asyncio.get_running_loop())
        pages = OpsPages(settings.listen, REGISTRY, alive, readiness.failing, loops)
        where.append(f"metrics on {pages.address}")
    beats = [
        loops.new("beat", partial(_beat, readiness, descriptors)),
        loops.new("exemplars", _leave_exemplars, pause=BEAT_SECONDS, vital=False),
    ]
    for each in beats:
        each.start()
    try:
        yield where
    finally:
        for each in beats:
            await each.stop()
        if pages is not None:
            await asyncio.to_thread(pages.close)
        if server is not None:
            await server.stop(0)


async def _serve_channelz(address: str, streak: Streak) -> tuple[Server, int]:
    server = Server([*_CHANNELZ_BOUNDS, ("grpc.so_reuseport", 0)], streak)
    registry = HandlerRegistry()
    servicer = channelz.aio.ChannelzServicer()  # type: ignore[attr-defined] # has no types
    registry.add(channelz_pb2_grpc.add_ChannelzServicer_to_server, servicer)
    server.add(registry)
    try:
        return server, await server.start(address)
    except RuntimeError as error:
        raise ConfigError(f"configuration: ops.channelz: {error}") from None


async def _beat(readiness: Readiness, descriptors: Descriptors) -> None:
    """Tell whether the process is ready, and how late the next second comes."""
    loop = asyncio.get_running_loop()
    descriptors.look()
    readiness.tell()
    due = loop.time() + BEAT_SECONDS
    await asyncio.sleep(BEAT_SECONDS)
    LOOP_LAG.observe(max(0.0, loop.time() - due))


async def _leave_exemplars() -> None:
    """Put exemplars where the supervisor finds them."""
    EXEMPLARS.write()
