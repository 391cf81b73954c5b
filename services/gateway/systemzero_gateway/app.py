"""The composition root: every part is made here, once, from the settings."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

from systemzero_base.clock import micros
from systemzero_base.internal.identity import IdentitySigner
from systemzero_base.secrets import private_folder
from systemzero_base.telemetry.logs import get_logger
from systemzero_base.telemetry.tracing import Tracing
from systemzero_base.work.background import Loops
from systemzero_evidence.sampler import LogSampler
from systemzero_gateway.access.policy import Method, methods_with_policy
from systemzero_gateway.audit.opening import open_audit
from systemzero_gateway.audit.retention import RefusalRetention
from systemzero_gateway.backends.backend import Backend
from systemzero_gateway.backends.health import PlatformHealth
from systemzero_gateway.backends.routes import backend_of, is_own
from systemzero_gateway.checks import check
from systemzero_gateway.config import OWN, GatewaySettings
from systemzero_gateway.credentials.certificates import ClientCertificate
from systemzero_gateway.credentials.identity import Identity
from systemzero_gateway.credentials.keys import load_or_create_pepper
from systemzero_gateway.credentials.recent_callers import Memory, RecentCallers, open_table
from systemzero_gateway.forwarding.admission import Admission
from systemzero_gateway.forwarding.forwarder import Forwarder
from systemzero_gateway.forwarding.openstreams import OpenStreams
from systemzero_gateway.forwarding.own import OwnMethod
from systemzero_gateway.forwarding.routing import Gateway, Served
from systemzero_gateway.handlers import (
    AuditServicer,
    AuthServicer,
    StatusServicer,
    TenantServicer,
    register,
)
from systemzero_gateway.limits import LimitSettings, local_limits, open_limits
from systemzero_gateway.limits.reload import applicable, changes, check_costs
from systemzero_gateway.places import ADMIN_KEY, ENDED, FAMILIAR, PEPPER, PLATFORM_KEY
from systemzero_gateway.store import AUDIT, SCHEMA, Endings
from systemzero_gateway.upkeep import Upkeep
from systemzero_runtime.calls.reaching import ReachableChannel
from systemzero_runtime.interceptors.chain import Call
from systemzero_runtime.interceptors.drain import Drain
from systemzero_runtime.interceptors.errors import errors_interceptor
from systemzero_runtime.interceptors.telemetry import telemetry_interceptor
from systemzero_runtime.operations.readiness import Condition, Readiness
from systemzero_runtime.operations.sampler import Sampler
from systemzero_runtime.running.service import Listener, closed_in_time
from systemzero_runtime.serving.health import READINESS
from systemzero_runtime.serving.registry import HandlerRegistry
from systemzero_runtime.serving.tls import ServerTls
from systemzero_storage.database import open_database
from systemzero_storage.database.sampler import StoreSampler
from systemzero_wire import contract

_UPKEEP_SECONDS = 60.0
_LOG_METHODS = "/systemzero.log.v1.LogService/"


class GatewayApp:
    """The gateway, composed.

    Once it has started, `admin_key_file` holds the default tenant's first admin key,
    `platform_key_file` that of the platform's own tenant, unless they were made beforehand.
    `readiness` says whether it takes calls; `loops` are its background loops.
    """

    def __init__(
        self,
        settings: GatewaySettings,
        backends: Mapping[str, ReachableChannel],
        signer: IdentitySigner,
        methods: Mapping[str, Method],
        tracing: Tracing | None,
        shared: Path | None,
    ) -> None:
        data = settings.data
        self.admin_key_file = data / ADMIN_KEY
        self.platform_key_file = data / PLATFORM_KEY
        self._settings = settings
        self._logger = get_logger("gateway")
        self.loops = loops = Loops(OWN, self._logger)
        self._methods = methods
        self._database = open_database(data, SCHEMA, settings.database)
        self._tls = None if settings.tls is None else ServerTls(settings.tls, self._logger)
        self._limits = open_limits(settings.limits, self._logger, loops, shared)
        self._addresses = local_limits("addresses", shared)
        pepper = load_or_create_pepper(data / PEPPER)
        private_folder(settings.noted)
        self._recent_callers = self._open_familiar(pepper)
        self._identity = self._open_identity(pepper)
        self.audit = open_audit(
            settings.audit, data, settings.noted, self._database, self._logger, loops
        )
        self.retention = self._retention()
        chores = (*self._identity.chores, self.retention.round)
        self._upkeep = Upkeep(chores, _UPKEEP_SECONDS, self._logger, loops)
        self.admission = self._admission()
        self._sampler = self._watched()
        self._conditions = self._sampler.conditions
        behind = {name: self._backend(name, channel) for name, channel in backends.items()}
        self._health = PlatformHealth(settings.routes, behind, self._conditions, loops)
        self.readiness = Readiness({**self._conditions, "gateway.backends": self._health.unserved})
        self._drain = Drain()
        self._streams = OpenStreams(self._identity.authenticator, loops)
        self._handler = self._answering(self._served(behind, signer), tracing)
        self._shared_port = shared is not None
        self._listener: Listener | None = None

    def first_key_lines(self) -> list[str]:
        """What to say of the first admin key: where it is, unless it was made beforehand."""
        file = self.admin_key_file
        return [f"first admin key in {file}"] if file.exists() else []

    async def start(self, address: str) -> int:
        """Listen on `address` (`host:port`, port 0 picks one); the port that it is.

        Raises:
            LogDiverged: the audit log does not extend its last checkpoint.
            RuntimeError: the address can't be bound.
        """
        await self._identity.start(self.admin_key_file, self.platform_key_file)
        await self.audit.start()
        names = [service.full_name for service in contract.services()]
        max_bytes = max(method.max_bytes for method in self._methods.values())
        self._listener = Listener(
            *([self._handler], names, max_bytes, self._tls),
            loops=self.loops,
            shared_port=self._shared_port,
            health_address=self._settings.health,
        )
        await self._health.start(self._listener.health, names)
        port = await self._listener.start(address, serving=False)
        self._upkeep.start()
        self._streams.start()
        self._sampler.start()
        self.readiness.watch(partial(self._listener.health.set, READINESS))
        self.readiness.start()
        return port

    def rest_on(self, conditions: Mapping[str, Condition]) -> None:
        """Be ready, and healthy, under these conditions, too: of what runs in the same process."""
        self._conditions.update(conditions)
        self.readiness.add(conditions)

    async def stop(self, grace: float) -> None:
        """End calls, then close everything."""
        await self.end_calls(grace)
        await closed_in_time(self.close(), self._logger)

    async def end_calls(self, grace: float) -> None:
        """Say NOT_SERVING, tell streams to go, refuse new calls, give others `grace` seconds."""
        started = time.monotonic()
        self.readiness.stop()
        await self._health.stop()
        counts = {"calls": len(self.admission.calls), "streams": len(self.admission.streams)}
        self._logger.info("draining", grace=grace, **counts)
        await self._drain.end()
        if self._listener is not None:
            await self._listener.stop(grace)
        self._logger.info("drained", seconds=round(time.monotonic() - started, 3))

    async def close(self) -> None:
        """Write what waits to be written, and close what is open."""
        await self._streams.stop()
        await self._sampler.stop()
        await self._upkeep.stop()
        await self.audit.stop()
        await self._limits.close()
        await self._addresses.close()
        self._recent_callers.close()
        await self._database.close()

    def reload(self, limits: LimitSettings) -> None:
        """Have other limits from now on, without touching what is under way; tell what changed.

        Raises:
            ConfigError: they contradict the contract; the old ones stay.
        """
        check_costs(limits, self._methods.values())
        changed, ignored = changes(self.admission.limits, limits)
        self.admission.change(applicable(self.admission.limits, limits))
        self._logger.info("limits.reloaded", changed=changed, needs_restart=ignored)

    def _open_familiar(self, pepper: bytes) -> RecentCallers:
        table = open_table(self._settings.noted / FAMILIAR, self._logger)
        memory = self._limits if isinstance(self._limits, Memory) else None
        return RecentCallers(pepper, table, memory, micros)

    def _open_identity(self, pepper: bytes) -> Identity:
        settings, methods = self._settings, self._methods.values()
        dearest, clients = max(method.cost for method in methods), _clients(settings)
        recent_callers = self._recent_callers
        endings = Endings(pepper, settings.noted / ENDED)
        tokens = settings.tokens
        return Identity(self._database, pepper, tokens, dearest, recent_callers, endings, clients)

    def _admission(self) -> Admission:
        authenticator, queue = self._identity.authenticator, self.audit.queue
        limits = self._settings.limits
        return Admission(authenticator, limits, self._limits, self._addresses, queue)

    def _retention(self) -> RefusalRetention:
        days = self._settings.audit.refusals.days
        return RefusalRetention(self._database, self.audit.store, AUDIT, days, micros)

    def _watched(self) -> Sampler:
        loops = self.loops
        store = StoreSampler(OWN, self._settings.data, self._database, self._logger, loops)
        log = LogSampler(OWN, "audit", self.audit.store, loops)
        return Sampler(
            OWN,
            loops,
            [store, log],
            looks=[self.audit.look, self.admission.look, lambda: self._health.tell()],
        )

    def _backend(self, name: str, channel: ReachableChannel) -> Backend:
        settings = self._settings
        return Backend(name, channel, settings.breaker, settings.retry, self._logger)

    def _served(self, backends: Mapping[str, Backend], signer: IdentitySigner) -> dict[str, Served]:
        """Every method by its path: the gateway's own without a way between, others forwarded."""
        own, deadlines = self._own_services(backends, signer), self._settings.deadlines

        def way(method: Method) -> Served:
            if is_own(method.path):
                return OwnMethod(method, own.by_path[method.path], self.admission, deadlines)
            backend = backends[backend_of(method.path, self._settings.routes) or ""]
            return Forwarder(method, backend, self.admission, signer, deadlines, self._drain)

        return {path: way(method) for path, method in self._methods.items()}

    def _answering(self, served: Mapping[str, Served], tracing: Tracing | None) -> Gateway:
        interceptors = (
            telemetry_interceptor(OWN, tracing, is_edge=True),
            errors_interceptor(self._report),
            self._drain.interceptor,
        )
        return Gateway(served, interceptors, (self._streams.interceptor,))

    def _own_services(
        self, backends: Mapping[str, Backend], signer: IdentitySigner
    ) -> HandlerRegistry:
        registry, identity = HandlerRegistry(), self._identity
        log_backend = backend_of(_LOG_METHODS, self._settings.routes) or ""
        register(
            registry,
            AuditServicer(self.audit, identity.pages),
            AuthServicer(identity),
            StatusServicer(version("systemzero-gateway"), backends, log_backend, signer),
            TenantServicer(identity),
        )
        return registry

    def _report(self, call: Call, error: BaseException) -> None:
        self._logger.error("internal error", rpc_method=call.method, exc_info=error)


def _clients(settings: GatewaySettings) -> Sequence[ClientCertificate] | None:
    tls = settings.tls
    return tls.clients if tls is not None and tls.client_ca is not None else None


def build(
    settings: GatewaySettings,
    backends: Mapping[str, ReachableChannel],
    signer: IdentitySigner,
    *,
    methods: Mapping[str, Method] | None = None,
    tracing: Tracing | None = None,
    shared: Path | None = None,
) -> GatewayApp:
    """The gateway before `backends` (channels by name), to whom it speaks as `signer`.

    `methods` are those of the contract unless others are given; `shared` is the folder of what it
    shares with the other workers, if it is one of several. Blocks; for the start.

    Raises:
        ConfigError: the settings contradict themselves, the contract or the backends.
        DomainError: a key file or the database can't be used.
    """
    served = methods_with_policy(contract.methods()) if methods is None else methods
    check(settings, backends, served)
    return GatewayApp(settings, backends, signer, served, tracing, shared)
