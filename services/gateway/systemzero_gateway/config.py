"""The gateway's settings: a YAML file, then `SZ_GATEWAY_*`.

All durations in seconds, all rates in units a minute.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from systemzero_base.settings.config import Address, AddressOrNowhere, Count, Settings
from systemzero_base.telemetry.logs import LogSettings
from systemzero_base.telemetry.tracing import TraceSettings
from systemzero_gateway.audit.settings import AuditSettings
from systemzero_gateway.backends.breaker import BreakerSettings
from systemzero_gateway.backends.retry import RetrySettings
from systemzero_gateway.credentials.certificates import ClientCertificate
from systemzero_gateway.credentials.tokens import CLOCK_SKEW, MAX_LIFETIME
from systemzero_gateway.limits import LimitSettings
from systemzero_runtime.operations.ops import OpsSettings
from systemzero_runtime.serving.tls import BackendTlsSettings, TlsSettings
from systemzero_storage.database import DatabaseSettings

PREFIX = "SZ_GATEWAY_"
OWN = "gateway"
"""The service's name."""

_BACKENDS = {"capture": "127.0.0.1:50052", "diff": "127.0.0.1:50053"}
_ROUTES = {
    "systemzero.capture.": "capture",
    "systemzero.diff.": "diff",
    "systemzero.log.": "diff",
}

Seconds = Annotated[float, msgspec.Meta(gt=0)]


class DeadlineSettings(Settings, frozen=True):
    """How long calls may take.

    Attributes:
        default: where the client sets no deadline.
        ceiling: where it sets a longer one.
        stream: how long a stream of responses (a watch, an export) may go on; it is then to be
            resumed.
    """

    default: Seconds = 30.0
    ceiling: Seconds = 120.0
    stream: Seconds = 3_600.0


class TokenSettings(Settings, frozen=True):
    """The tokens that are issued and accepted.

    Attributes:
        issuer: their `iss`.
        audience: their `aud`.
        lifetime: theirs where none is asked for.
        rotate_every: how long a signing key signs.
        overlap: how long it is published before and after that.
    """

    issuer: str = "systemzero-gateway"
    audience: str = "systemzero"
    lifetime: Annotated[int, msgspec.Meta(ge=1, le=MAX_LIFETIME)] = 600
    rotate_every: Seconds = 86_400.0
    overlap: Seconds = 7_200.0

    def __post_init__(self) -> None:
        """Refuse a schedule under which a token outlives its key.

        Raises:
            ValueError: says which bound does not hold.
        """
        if self.overlap < MAX_LIFETIME + CLOCK_SKEW:
            raise ValueError(f"overlap must be at least {MAX_LIFETIME + CLOCK_SKEW:,} seconds")
        if self.rotate_every < 2 * self.overlap:
            raise ValueError("rotate_every must be at least twice the overlap")


class GatewayTlsSettings(TlsSettings, frozen=True):
    """TLS on the gateway's port.

    Attributes:
        clients: whom clients' certificates stand for, with `client_ca`: SPIFFE ids, each with a
            tenant, a role and, if it is to have less, scopes.
    """

    clients: tuple[ClientCertificate, ...] = ()

    def __post_init__(self) -> None:
        """Refuse certificates that nobody verifies, or that stand for nobody, or for two.

        Raises:
            ValueError: says which it is.
        """
        if bool(self.clients) != (self.client_ca is not None):
            raise ValueError("client_ca and clients go together")
        ids = [client.id for client in self.clients]
        if len(set(ids)) < len(ids):
            raise ValueError("clients: an id is there twice")


class GatewaySettings(Settings, frozen=True):
    """Everything that can be set.

    Attributes:
        listen: `host:port` of the gRPC server; port 0 picks one.
        health: `host:port` on which `grpc.health.v1` alone is served, in the clear, for probes;
            empty for nowhere.
        data: folder of the database and keys, created with mode 0700.
        notes: folder of what the service notes down while it runs, for its next start, where `data`
            holds keys that are mounted to be read alone; `data` where none is set.
        database: PostgreSQL in the place of the SQLite file in `data`.
        trust: folder in which services publish the public keys of their identities.
        tls: TLS on the gateway's port; none is in the clear.
        backend_tls: TLS to the backends; none is in the clear.
        backends: gRPC targets by name.
        routes: lead from a prefix of the method's full name to a backend's name; the gateway's own
            methods have none.
        limits: what callers may use up.
        audit: the audit log.
        deadlines: how long calls may take.
        tokens: the tokens that are issued and accepted.
        breaker: when a backend is given up, and tried again.
        retry: which calls are sent again, and how often.
        ops: where operators ask.
        workers: how many processes serve.
        grace: seconds that calls in flight get at shutdown.
        log: what is logged, and where to.
        traces: which calls are traced beside those that are sampled.
    """

    listen: Address = "127.0.0.1:50051"
    health: AddressOrNowhere = ""
    data: Path = Path("data/gateway")
    notes: Path | None = None
    database: DatabaseSettings = DatabaseSettings()
    trust: Path = Path("data/trust")
    tls: GatewayTlsSettings | None = None
    backend_tls: BackendTlsSettings | None = None
    backends: dict[str, str] = msgspec.field(default_factory=lambda: dict(_BACKENDS))
    routes: dict[str, str] = msgspec.field(default_factory=lambda: dict(_ROUTES))
    limits: LimitSettings = LimitSettings()
    audit: AuditSettings = AuditSettings()
    deadlines: DeadlineSettings = DeadlineSettings()
    tokens: TokenSettings = TokenSettings()
    breaker: BreakerSettings = BreakerSettings()
    retry: RetrySettings = RetrySettings()
    ops: OpsSettings = OpsSettings()
    workers: Count = 1
    grace: Seconds = 10.0
    log: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()

    @property
    def noted(self) -> Path:
        """The folder of what the service notes down while it runs."""
        return self.data if self.notes is None else self.notes
