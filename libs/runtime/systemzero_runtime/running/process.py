"""A service as a process of its own: arguments, settings, logs, serve until a signal."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import grpc
import msgspec
from prometheus_client import Counter

from systemzero_base.internal.identity import IdentityVerifier
from systemzero_base.settings import config
from systemzero_base.settings.addresses import refuse_taken
from systemzero_base.settings.config import ConfigError, Settings
from systemzero_base.telemetry import logs
from systemzero_base.telemetry.log_limiter import LogLimiter
from systemzero_base.telemetry.logs import LogSettings, get_logger, get_security_logger
from systemzero_base.telemetry.tracing import Tracing
from systemzero_base.work import loop
from systemzero_base.work.background import Loops
from systemzero_base.work.memory import share_arenas
from systemzero_core.errors import DomainError
from systemzero_runtime.calls.reaching import ServiceChannel
from systemzero_runtime.interceptors.chain import BACKEND_MESSAGE_BYTES, Call, Interceptor
from systemzero_runtime.interceptors.drain import Drain
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.identity import identity_interceptor
from systemzero_runtime.interceptors.telemetry import telemetry_interceptor
from systemzero_runtime.operations.ops import OpsSettings, operated
from systemzero_runtime.operations.readiness import Readiness
from systemzero_runtime.running.service import (
    WINDOWS,
    Listener,
    Service,
    closed_in_time,
    until_signal,
)
from systemzero_runtime.running.workers import Supervisor, WorkerSlot, shared_port
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_runtime.serving.tls import (
    BackendTlsSettings,
    ServerTls,
    TlsSettings,
    channel_credentials,
)

IDENTITIES_REFUSED: Final = Counter(
    "rpc_server_identities_refused",
    "Calls to a service behind the gateway that had no good internal identity.",
)

S = TypeVar("S", bound=Settings)

_SERVICE_CONFIG = json.dumps(
    {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
)


def run(
    name: str,
    settings_class: type[S],
    prefix: str,
    serve: Callable[[S], Awaitable[None]],
    check: Callable[[S], None] = lambda _settings: None,
) -> int:
    """Run a service; the process's exit status: 0 after a signal, 2 for what stops a start."""
    return _run(name, settings_class, prefix, check, lambda settings: _serve_here(settings, serve))


def run_workers(
    name: str,
    settings_class: type[S],
    prefix: str,
    serve: Callable[[S, WorkerSlot], Awaitable[None]],
    ops: Callable[[S], OpsSettings],
    check: Callable[[S], None],
) -> int:
    """As `run`, by as many processes as `workers` of the settings says.

    `serve` is a module's function, of one that workers import: it runs in each of them. `ops` are
    the settings' own.
    """

    def start(settings: S) -> int:
        seat = WorkerSlot(ops(settings))
        if getattr(settings, "workers") > 1:  # noqa: B009 - no type says both: settings, and these
            return _supervise(name, settings, serve, seat.ops)
        return _serve_here(settings, lambda settings: serve(settings, seat))

    return _run(name, settings_class, prefix, check, start)


def _run(
    name: str,
    settings_class: type[S],
    prefix: str,
    check: Callable[[S], None],
    start: Callable[[S], int],
) -> int:
    def checked() -> int:
        settings = load(name, settings_class, prefix)
        check(settings)
        if _arguments(name, settings_class).check_config:
            return 0
        if listen := getattr(settings, "listen", ""):
            refuse_taken(listen)
        return start(settings)

    return _guarded(name, checked)


def _guarded(name: str, start: Callable[[], int]) -> int:
    """What `start` returns, or 2 where something stops it, which is then told."""
    try:
        return start()
    except (ConfigError, DomainError, OSError, RuntimeError) as error:
        sys.stderr.write(f"systemzero_{name}: {error}\n")
        return 2


def _serve_here(settings: S, serve: Callable[[S], Awaitable[None]]) -> int:
    share_arenas()
    logs.configure(getattr(settings, "log", LogSettings()))
    loop.run(_served(serve, settings))
    return 0


def load(name: str, settings_class: type[S], prefix: str) -> S:
    """The settings by this process's arguments and environment, read now.

    Raises:
        ConfigError: the file can't be read, or a key or value is wrong.
    """
    arguments = _arguments(name, settings_class)
    environ = dict(os.environ)
    if arguments.workers is not None:
        environ[f"{prefix}WORKERS"] = str(arguments.workers)
    return config.load(settings_class, arguments.config, environ, prefix)


def on_hangup(name: str, reload: Callable[[], None]) -> None:
    """Do `reload` on every SIGHUP; where it raises ConfigError, say so, and nothing changes."""

    def again() -> None:
        try:
            reload()
        except ConfigError as error:
            get_logger(name).error("reload failed", error=str(error))

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, again)


def _arguments(name: str, settings_class: type[Settings]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"systemzero_{name}")
    parser.add_argument("--config", type=Path, help="YAML file with the settings")
    parser.add_argument("--check-config", action="store_true", help="check the settings, then end")
    parser.set_defaults(workers=None)
    if "workers" in settings_class.__struct_fields__:
        parser.add_argument("--workers", type=int, help="how many processes serve")
    return parser.parse_args()


def _supervise(
    name: str, settings: Any, serve: Callable[[Any, WorkerSlot], Awaitable[None]], ops: OpsSettings
) -> int:
    logs.configure(settings.log)
    with shared_port(settings.listen) as address:
        settled = msgspec.structs.replace(settings, listen=address)
        work = partial(_work, name, settled, serve, ops)
        supervisor = Supervisor(settings.workers, work, settings.grace, get_logger(name), announce)
        return supervisor.run(ops.listen)


def _work(
    name: str,
    settings: Any,
    serve: Callable[[Any, WorkerSlot], Awaitable[None]],
    ops: OpsSettings,
    number: int,
    shared: Path,
    connection: Connection,
) -> None:
    """One worker's life; what it announces goes to the supervisor."""
    global _announce
    _announce = connection.send
    seat = WorkerSlot(ops.of_worker(number), shared)
    sys.exit(_guarded(name, lambda: _serve_here(settings, lambda mine: serve(mine, seat))))


async def _served(serve: Callable[[S], Awaitable[None]], settings: S) -> None:
    await serve(settings)


def backend_registry(
    service: Service,
    verifier: IdentityVerifier,
    *,
    observed: bool = True,
    tracing: Tracing | None = None,
    drain: Drain | None = None,
) -> HandlerRegistry:
    """The handlers of a backend behind its interceptors: nothing answers without a good identity.

    `observed` is off, and there is no `drain` of its own, where another service of the same process
    observes the call already.
    """
    logger, security = get_logger(service.name), get_security_logger(service.name)

    def report(call: Call, error: BaseException) -> None:
        logger.error("internal error", rpc_method=call.method, exc_info=error)

    seldom = LogLimiter(time.monotonic)

    def refused(call: Call) -> None:
        IDENTITIES_REFUSED.inc()
        if times := seldom.now():
            address = call.context.peer()
            security.warning("identity.refused", method=call.method, address=address, times=times)

    interceptors: list[Interceptor] = [
        errors_interceptor(report),
        identity_interceptor(verifier, refused),
    ]
    if drain is not None:
        interceptors.append(drain.interceptor)
    if observed:
        interceptors.insert(0, telemetry_interceptor(service.name, tracing))
    registry = HandlerRegistry(interceptors)
    service.register(registry)
    return registry


class BackendSettings(Protocol):
    """What of a backend's settings is about serving it.

    Attributes:
        listen: `host:port` of its calls.
        health: the same of its health, in the clear and alone; empty for nowhere.
        grace: seconds that calls in flight get at shutdown.
        tls: TLS on the port of its calls.
        ops: where operators ask.
    """

    @property
    def listen(self) -> str: ...  # noqa: D102 - see above
    @property
    def health(self) -> str: ...  # noqa: D102
    @property
    def grace(self) -> float: ...  # noqa: D102
    @property
    def tls(self) -> TlsSettings | None: ...  # noqa: D102
    @property
    def ops(self) -> OpsSettings: ...  # noqa: D102


async def serve_backend(
    service: Service,
    verifier: IdentityVerifier,
    settings: BackendSettings,
    tracing: Tracing | None = None,
) -> None:
    """Serve a backend until a signal, then drain and stop.

    Raises:
        ConfigError: a file of its TLS or an address can't be used.
    """
    tls, logger = settings.tls, get_logger(service.name)
    secured = None if tls is None else ServerTls(tls, logger)
    drain, readiness = Drain(), Readiness(service.sampler.conditions)
    loops = Loops(service.name, logger)
    registry = backend_registry(service, verifier, tracing=tracing, drain=drain)
    listener = Listener(
        [registry],
        registry.services,
        BACKEND_MESSAGE_BYTES,
        secured,
        loops=service.loops,
        health_address=settings.health,
    )
    async with operated(service.name, settings.ops, readiness, loops) as where:
        await service.start()
        port = await listener.start(settings.listen, serving=False)
        readiness.watch(listener.health.set_all)
        readiness.start()
        at = f"{settings.listen.rpartition(':')[0]}:{port}"
        announce(*(f"{service.name}: {line}" for line in (f"listening on {at}", *where)))
        await until_signal()
        readiness.stop()
        listener.health.stop()
        await drain.end()
        await listener.stop(settings.grace)
        await closed_in_time(service.stop(), logger)


def announce(*lines: str) -> None:
    """Tell whoever started the process, once, that it serves: on standard output, at once."""
    _announce(list(lines))


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


_announce: Callable[[list[str]], None] = _print


def service_channel(target: str, tls: BackendTlsSettings | None = None) -> ServiceChannel:
    """A channel to another service at a gRPC target, in the clear unless `tls` says how.

    That is one address, a name with several (`dns:///diff:50053`), or a list of them
    (`ipv4:10.0.0.1:50053,10.0.0.2:50053`); calls go to all in turn, but for those that are down or
    say that they don't serve, such as one that is being stopped. One of several that is down is
    tried again every second at most. Where all are down, calls fail at once (no wait-for-ready, no
    hidden retries), unless the caller asks first whether the service can be reached.

    Raises:
        ConfigError: a file of `tls` can't be used.
    """
    options = [
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.enable_retries", 0),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 1_000),
        # or a new channel to the same target waits for the pauses of the one before
        ("grpc.use_local_subchannel_pool", 1),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # a watch may be quiet for long: go on asking, or a dead service goes unnoticed
        ("grpc.http2.max_pings_without_data", 0),
        *WINDOWS,
        ("grpc.max_receive_message_length", -1),
        ("grpc.max_send_message_length", -1),
    ]
    if tls is None:
        return ServiceChannel(partial(grpc.aio.insecure_channel, target, options))
    if tls.server_name:
        options.append(("grpc.ssl_target_name_override", tls.server_name))
    credentials = channel_credentials(tls)
    return ServiceChannel(partial(grpc.aio.secure_channel, target, credentials, options))
