"""Settings of the capture service: a YAML file, then `SZ_CAPTURE_*` in the environment."""

from __future__ import annotations

from pathlib import Path

from systemzero_chassis.config import Count, LogLevel, Seconds, Settings
from systemzero_chassis.database import DatabaseSettings
from systemzero_chassis.tls import BackendTlsSettings, TlsSettings

ENVIRONMENT_PREFIX = "SZ_CAPTURE_"


class CaptureSettings(Settings, frozen=True, kw_only=True):
    """What can be set.

    Attributes:
        listen: `host:port` of the gRPC server; port 0 picks one.
        data: folder of the database and keys, created with mode 0700.
        database: PostgreSQL in the place of the SQLite file in `data`.
        trust: folder in which services publish the public keys of their identities.
        tls: TLS on the service's port; none is in the clear.
        backend_tls: TLS to the diff service; none is in the clear.
        diff: target of the diff service.
        log_level: `debug`, `info`, `warning` or `error`.
        grace: seconds that calls in flight get at shutdown.
        known_captures: how many digests of captures seen before are kept in memory.
        stream_window: how many captures of one stream are worked on at a time.
    """

    listen: str = "127.0.0.1:50052"
    data: Path = Path("data/capture")
    database: DatabaseSettings = DatabaseSettings()
    trust: Path = Path("data/trust")
    tls: TlsSettings | None = None
    backend_tls: BackendTlsSettings | None = None
    diff: str = "127.0.0.1:50053"
    log_level: LogLevel = "info"
    grace: Seconds = 10.0
    known_captures: Count = 20_000
    stream_window: Count = 16
