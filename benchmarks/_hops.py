"""The servers that the gateway is measured beside, each a process of its own.

`python -m benchmarks._hops echo|hop|local|sink …` runs one; it says on which port it listens.
"""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from systemzero_base.telemetry import logs
from systemzero_base.work import loop
from systemzero_runtime.running.service import server_options, until_signal

SERVICE = "systemzero.capture.v1.CaptureService"
METHOD = f"/{SERVICE}/Ingest"
LAVISH = "{per_minute: 1e9, burst: 100000000}"
_NGINX = """
daemon off; worker_processes {workers}; pid {folder}/pid; error_log {folder}/error;
events {{ worker_connections 512; }}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 64m; client_body_buffer_size 1m;
  upstream echo {{ server {target}; keepalive 64; }}
  server {{ listen {port} http2; keepalive_requests 1000000;
    location / {{ grpc_pass grpc://echo; grpc_buffer_size 64k; }} }}
}}
"""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, what to call it with, the processes that do the work."""

    target: str
    pids: tuple[int, ...]
    credential: str = ""
    children: bool = field(default=False)

    def processes(self) -> list[int]:
        """All ids whose CPU time and memory count."""
        if not self.children:
            return list(self.pids)
        (pid,) = self.pids
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [pid, *map(int, text.split())]


class Raw(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """A bare echo, or a bare hop to a channel; of `METHOD` alone."""

    def __init__(self, onward: grpc.aio.Channel | None) -> None:
        self._call: Any = onward.unary_unary(METHOD, None, None) if onward else None

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        if handler_call_details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(self._hop if self._call else self._echo)

    async def _echo(self, request: bytes, context: Any) -> bytes:
        return request

    async def _hop(self, request: bytes, context: Any) -> bytes:
        response: bytes = await self._call(request)
        return response


class Sink(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Takes spans as an OTLP collector does, and forgets them."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        return grpc.unary_unary_rpc_method_handler(self._take)

    async def _take(self, request: bytes, context: Any) -> bytes:
        return b""


async def _serve_raw(handler: grpc.GenericRpcHandler[Any, Any]) -> None:
    server = grpc.aio.server(options=server_options(5_000_000))
    server.add_generic_rpc_handlers((handler,))
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    await server.start()
    await until_signal()
    await server.stop(0)


async def _serve_hop(target: str) -> None:
    await _serve_raw(Raw(grpc.aio.insecure_channel(target)))


async def _serve_local(data: Path) -> None:
    """The gateway and an echo in one process, as standalone has its services."""
    from tests.support.gateway import world

    logs.configure(logs.LogSettings())
    async with world(data, local=True) as here:
        print(here.port, here.secret, flush=True)
        await until_signal()


@contextmanager
def raw(role: str, *arguments: str, uvloop: bool = False) -> Iterator[Server]:
    """A server of this module, on asyncio's own event loop unless `uvloop`."""
    command = [sys.executable, "-m", "benchmarks._hops", role, *arguments]
    environ = {**os.environ, "BENCHMARK_LOOP": "uvloop" if uvloop else "asyncio"}
    with _process(command, environ) as process:
        assert process.stdout is not None
        port, *secret = process.stdout.readline().split()
        yield Server(f"127.0.0.1:{port}", (process.pid,), "".join(secret))


@contextmanager
def gateway(echo: str, sink: str, data: Path, workers: int, store: str) -> Iterator[Server]:
    """The gateway as it is deployed, with everything on: its log goes to a file, 1 % is traced."""
    settings = {
        "LISTEN": "127.0.0.1:0",
        "DATA": str(data / "data"),
        "TRUST": str(data / "trust"),
        "BACKENDS": f"{{capture: '{echo}', diff: '{echo}'}}",
        "LIMITS__TENANT": LAVISH,
        "LIMITS__PRINCIPAL": LAVISH,
        "OPS__LISTEN": "127.0.0.1:0",
        "OPS__CHANNELZ": "",
        "WORKERS": str(workers),
    }
    if store:
        settings |= {"LIMITS__STORE": store, "LIMITS__ON_STORE_FAILURE": "local"}
    environ = {
        **os.environ,
        **{f"SZ_GATEWAY_{key}": value for key, value in settings.items()},
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{sink}",
        "OTEL_TRACES_SAMPLER": "parentbased_traceidratio",
        "OTEL_TRACES_SAMPLER_ARG": "0.01",
    }
    command = [sys.executable, "-m", "systemzero_gateway"]
    with (data / "log").open("wb") as log, _process(command, environ, log) as process:
        assert process.stdout is not None
        said = [process.stdout.readline().split() for _ in range(2)]
        secret = Path(said[1][-1]).read_text().strip()
        yield Server(said[0][-1], (process.pid,), secret, children=True)


@contextmanager
def nginx(echo: str, port: int, workers: int) -> Iterator[Server]:
    """What a native hop costs on this machine."""
    with tempfile.TemporaryDirectory() as folder:
        conf = Path(folder) / "conf"
        text = _NGINX.format(folder=folder, target=echo, port=port, workers=workers)
        conf.write_text(("user root; " if os.geteuid() == 0 else "") + text)
        command = ["nginx", "-p", folder, "-c", str(conf)]
        with _process(command, dict(os.environ)) as process:
            server = Server(f"127.0.0.1:{port}", (process.pid,), children=True)
            while len(server.processes()) <= workers:
                time.sleep(0.01)
            yield server


@contextmanager
def _process(
    command: list[str], environ: dict[str, str], stderr: Any = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=stderr, text=True, env=environ
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _main(role: str, *arguments: str) -> None:
    works: dict[str, Any] = {
        "echo": lambda: _serve_raw(Raw(None)),
        "sink": lambda: _serve_raw(Sink()),
        "hop": _serve_hop,
        "local": lambda data: _serve_local(Path(data)),
    }
    work: Coroutine[Any, Any, None] = works[role](*arguments)
    if os.environ.get("BENCHMARK_LOOP") == "uvloop":
        loop.run(work)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    _main(*sys.argv[1:])
