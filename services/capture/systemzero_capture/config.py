"""Settings of the capture service: a YAML file, then `SZ_CAPTURE_*` in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from systemzero_base.lanes.settings import LaneSettings
from systemzero_base.settings.config import Address, AddressOrNowhere, Count, Seconds, Settings
from systemzero_base.settings.redacting import RedactSettings
from systemzero_base.telemetry.logs import LogSettings
from systemzero_base.telemetry.tracing import TraceSettings
from systemzero_capture.kept.settings import KeepingSettings, Limit
from systemzero_runtime.operations.ops import OpsSettings
from systemzero_runtime.serving.tls import BackendTlsSettings, TlsSettings
from systemzero_storage.database import DatabaseSettings
from systemzero_storage.sealing import EncryptionSettings

ENVIRONMENT_PREFIX = "SZ_CAPTURE_"


class Retention(Settings, frozen=True, kw_only=True):
    """How long captures are kept; held ones (of templates, of events) for good.

    Attributes:
        days: older ones are collected; 0 keeps them for good.
        captures: of more than so many, the oldest are collected; 0 for any number.
    """

    days: Limit = 0
    captures: Limit = 0


class RetentionSettings(Retention, frozen=True, kw_only=True):
    """How long captures are kept, and how often that is looked after.

    Attributes:
        tenants: other bounds for some tenants, by tenant id.
        interval: seconds between two looks.
    """

    tenants: dict[str, Retention] = msgspec.field(default_factory=dict)
    interval: Annotated[float, msgspec.Meta(gt=0)] = 60.0

    def of(self, tenant: str) -> Retention:
        """What holds for a tenant."""
        return self.tenants.get(tenant, self)


class CaptureOpsSettings(OpsSettings, frozen=True, kw_only=True):
    """Where operators ask; other ports than the gateway's, for all on one machine."""

    listen: AddressOrNowhere = "127.0.0.1:9474"
    channelz: AddressOrNowhere = "127.0.0.1:9475"


class CaptureQuotas(Settings, frozen=True, kw_only=True):
    """How much a tenant may store here that has no quotas of its own; 0 for any amount.

    Attributes:
        stored_bytes: of all rows, as they are stored.
        captures: that are not deleted.
    """

    stored_bytes: Limit = 10_000_000_000
    captures: Limit = 5_000_000


class CaptureSettings(Settings, frozen=True, kw_only=True):
    """What can be set.

    Attributes:
        listen: `host:port` of the gRPC server; port 0 picks one.
        health: `host:port` on which `grpc.health.v1` alone is served, in the clear, for probes;
            empty for nowhere.
        data: folder of the database and keys, created with mode 0700.
        database: PostgreSQL in the place of the SQLite file in `data`.
        encryption: encryption at rest of trees and verdicts; none, if nothing is set.
        trust: folder in which services publish the public keys of their identities.
        tls: TLS on the service's port; none is in the clear.
        backend_tls: TLS to the diff service; none is in the clear.
        diff: target of the diff service.
        ops: metrics, health and channelz for operators; standalone has the gateway's alone.
        log: what is logged, and where to.
        traces: which calls are traced beside those that are sampled.
        grace: seconds that calls in flight get at shutdown.
        known_captures: how many digests of captures seen before are kept in memory.
        known_bytes: memory, in bytes, that they take at most with what is known of each.
        retention: how long captures are kept; for good, if nothing is set.
        originals: what is kept of them as the client sent it; nothing, if nothing is set.
        redact: which of their texts are secrets, and never kept; the same in the diff service.
        quotas: how much a tenant may store.
        lanes: processes for large work; standalone has its own for all services.
        stream_window: how many captures of one stream are worked on at a time.
    """

    listen: Address = "127.0.0.1:50052"
    health: AddressOrNowhere = ""
    data: Path = Path("data/capture")
    database: DatabaseSettings = DatabaseSettings()
    encryption: EncryptionSettings = EncryptionSettings()
    trust: Path = Path("data/trust")
    tls: TlsSettings | None = None
    backend_tls: BackendTlsSettings | None = None
    diff: str = "127.0.0.1:50053"
    ops: CaptureOpsSettings = CaptureOpsSettings()
    log: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()
    grace: Seconds = 10.0
    known_captures: Count = 20_000
    known_bytes: Annotated[int, msgspec.Meta(ge=1_000_000)] = 64_000_000
    stream_window: Count = 16
    retention: RetentionSettings = RetentionSettings()
    originals: KeepingSettings = KeepingSettings()
    redact: RedactSettings = RedactSettings()
    quotas: CaptureQuotas = CaptureQuotas()
    lanes: LaneSettings = LaneSettings()
