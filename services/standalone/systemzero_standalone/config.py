"""Settings of the standalone process: a YAML file, then `SZ_STANDALONE_*` in the environment."""

from __future__ import annotations

from pathlib import Path

from systemzero_base.lanes.settings import LaneSettings
from systemzero_base.settings.config import Address, AddressOrNowhere, Count, Seconds, Settings
from systemzero_base.telemetry.logs import LogSettings
from systemzero_base.telemetry.tracing import TraceSettings
from systemzero_capture.config import CaptureSettings
from systemzero_diff.config import DiffSettings
from systemzero_gateway.config import GatewaySettings
from systemzero_storage.database import DatabaseSettings
from systemzero_storage.sealing import EncryptionSettings

ENVIRONMENT_PREFIX = "SZ_STANDALONE_"


_OF_ALL = ("listen", "health", "data", "database", "log", "traces", "grace")
_BETWEEN_PROCESSES = ("trust", "backend_tls")
_OF_BACKENDS = (*_OF_ALL, *_BETWEEN_PROCESSES, "encryption", "lanes", "tls", "ops")
UNHEEDED = {
    "gateway": (*_OF_ALL, *_BETWEEN_PROCESSES, "workers", "backends"),
    "capture": (*_OF_BACKENDS, "diff"),
    "diff": (*_OF_BACKENDS, "capture"),
}
"""What a section has and one process does not heed; set there, it would seem to hold."""


class StandaloneSettings(Settings, frozen=True, kw_only=True):
    """What can be set: the process's own settings, and a section for each service.

    Attributes:
        listen: `host:port` of the gateway; port 0 picks one.
        health: `host:port` on which `grpc.health.v1` alone is served, in the clear, for probes;
            empty for nowhere. The sections' own are not used.
        data: folder below which each service has its own; the sections' folders are not used.
        database: PostgreSQL for all three, in a schema each; the sections' own are not used.
        log: what is logged, and where to; the sections' own are not used.
        traces: which calls are traced beside those that are sampled; again for all three.
        encryption: encryption at rest, of capture and diff; the sections' own are not used.
        lanes: processes for large work, of capture and diff; the sections' own are not used.
        workers: how many processes serve, each with all three services.
        grace: seconds that calls in flight get at shutdown.
        gateway: the gateway's settings.
        capture: the capture service's settings.
        diff: the diff service's settings.
    """

    listen: Address = "127.0.0.1:50051"
    health: AddressOrNowhere = ""
    data: Path = Path("data")
    database: DatabaseSettings = DatabaseSettings()
    log: LogSettings = LogSettings()
    traces: TraceSettings = TraceSettings()
    encryption: EncryptionSettings = EncryptionSettings()
    lanes: LaneSettings = LaneSettings()
    workers: Count = 1
    grace: Seconds = 10.0
    gateway: GatewaySettings = GatewaySettings()
    capture: CaptureSettings = CaptureSettings()
    diff: DiffSettings = DiffSettings()

    def __post_init__(self) -> None:
        """Refuse what would not be heeded.

        Raises:
            ValueError: names the setting of a section, and what to set in its place.
        """
        for section, names in UNHEEDED.items():
            for name in names:
                _refuse_if_set(self, section, name)


def _refuse_if_set(settings: StandaloneSettings, section: str, name: str) -> None:
    given = getattr(settings, section)
    if getattr(given, name) == getattr(type(given)(), name):
        return
    if name in settings.__struct_fields__:
        raise ValueError(f"{section}.{name}: set {name}, which holds for all three services")
    raise ValueError(f"{section}.{name}: has no meaning where all services are one process")
