"""A backend as a server: its handlers behind their interceptors, served until a signal."""

from __future__ import annotations

import time
from typing import Final, Protocol

from prometheus_client import Counter

from systemzero_base.internal.identity import IdentityVerifier
from systemzero_base.telemetry.log_limiter import LogLimiter
from systemzero_base.telemetry.logs import get_logger, get_security_logger
from systemzero_base.telemetry.tracing import Tracing
from systemzero_base.work.background import Loops
from systemzero_runtime.interceptors.chain import BACKEND_MESSAGE_BYTES, Call, Interceptor
from systemzero_runtime.interceptors.drain import Drain
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.identity import identity_interceptor
from systemzero_runtime.interceptors.telemetry import telemetry_interceptor
from systemzero_runtime.operations.ops import OpsSettings, operated
from systemzero_runtime.operations.readiness import Readiness
from systemzero_runtime.running.process import announce
from systemzero_runtime.running.service import (
    Listener,
    Service,
    closed_in_time,
    until_signal,
)
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_runtime.serving.tls import (
    ServerTls,
    TlsSettings,
)

IDENTITIES_REFUSED: Final = Counter(
    "rpc_server_identities_refused",
    "Calls to a service behind the gateway that had no good internal identity.",
)


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
