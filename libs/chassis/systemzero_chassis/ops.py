"""What operators and orchestrators ask of a process, apart from the port that callers reach.

Over HTTP: `/metrics` (Prometheus), `/livez` (the process answers), `/readyz` (it takes calls: not
before it has started, not once it is being stopped). Over gRPC, on a port of its own: channelz,
with the state of every channel, server and socket. Neither asks for a credential: both are
loopback's alone unless configured otherwise.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import grpc
from grpc_channelz.v1 import channelz
from prometheus_client import REGISTRY, CollectorRegistry, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from systemzero_chassis.config import ConfigError, Settings

ANSWER_SECONDS = 2.0
"""A process whose event loop does not come round in this time is not alive."""
_REQUEST_SECONDS = 10

Check = Callable[[], bool]


class OpsSettings(Settings, frozen=True):
    """Where operators ask; an empty address means nowhere.

    Attributes:
        listen: `host:port` of the HTTP pages; port 0 picks one.
        channelz: `host:port` of channelz; the second worker has the port after it, and so on.
    """

    listen: str = "127.0.0.1:9464"
    channelz: str = "127.0.0.1:9465"

    def of_worker(self, number: int) -> OpsSettings:
        """Those of one worker, from 0: the HTTP pages are the supervisor's."""
        if not self.channelz:
            return OpsSettings(listen="", channelz="")
        host, _, port = self.channelz.rpartition(":")
        return OpsSettings(listen="", channelz=f"{host}:{int(port) + number if int(port) else 0}")


class OpsPages:
    """The HTTP pages, served by a thread of their own."""

    def __init__(
        self, address: str, registry: CollectorRegistry, checks: Mapping[str, Check]
    ) -> None:
        """`checks` are asked by path; they run in other threads than the caller's.

        Raises:
            ConfigError: the address can't be bound.
        """
        host, port = split(address)
        try:
            self._server: Any = make_server(
                host, port, _Pages(registry, checks), _server_class(host), _Handler
            )
        except (OSError, OverflowError) as error:
            raise ConfigError(f"configuration: ops.listen: {address}: {error}") from None
        self.address = f"{address.rpartition(':')[0]}:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="ops", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Pages:
    def __init__(self, registry: CollectorRegistry, checks: Mapping[str, Check]) -> None:
        self._metrics: Any = make_wsgi_app(registry)
        self._checks = checks

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            answer: Iterable[bytes] = self._metrics(environ, start_response)
            return answer
        if path not in self._checks:
            start_response("404 Not Found", [("Content-Type", "text/plain")])
            return [b"there is /metrics, /livez and /readyz\n"]
        good = self._checks[path]()
        start_response(
            "200 OK" if good else "503 Service Unavailable", [("Content-Type", "text/plain")]
        )
        return [b"yes\n" if good else b"no\n"]


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_SECONDS  # of one who connects and asks nothing

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - named by the base
        """Nothing: a log line a scrape helps nobody."""


def _server_class(host: str) -> Any:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return type("OpsServer", (ThreadingWSGIServer,), {"address_family": family})


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port`.

    Raises:
        ConfigError: it is none.
    """
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise ConfigError(f"configuration: {address!r} is no host:port")
    return host.strip("[]"), int(port)


def answers(loop: asyncio.AbstractEventLoop) -> Check:
    """A check, for other threads, that `loop` comes round."""

    def check() -> bool:
        try:
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), loop).result(ANSWER_SECONDS)
        except TimeoutError:
            return False
        return True

    return check


@asynccontextmanager
async def operated(settings: OpsSettings, ready: Check) -> AsyncIterator[list[str]]:
    """Serve this process's operators meanwhile; gives lines that say where.

    Raises:
        ConfigError: an address can't be bound.
    """
    where, pages, server = [], None, None
    if settings.channelz:
        server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        channelz.add_channelz_servicer(server)  # type: ignore[arg-type] # takes both kinds
        try:
            port = server.add_insecure_port(settings.channelz)
        except RuntimeError as error:
            raise ConfigError(f"configuration: ops.channelz: {error}") from None
        await server.start()
        where.append(f"channelz on {settings.channelz.rpartition(':')[0]}:{port}")
    if settings.listen:
        checks = {"/livez": answers(asyncio.get_running_loop()), "/readyz": ready}
        pages = OpsPages(settings.listen, REGISTRY, checks)
        where.append(f"metrics on {pages.address}")
    try:
        yield where
    finally:
        if pages is not None:
            await asyncio.to_thread(pages.close)
        if server is not None:
            await server.stop(0)
