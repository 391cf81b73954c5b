"""Settings of the diff service: a YAML file, then `SZ_DIFF_*` in the environment."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec

from systemzero_chassis.config import Count, LogLevel, Seconds, Settings

ENVIRONMENT_PREFIX = "SZ_DIFF_"


class DiffSettings(Settings, frozen=True, kw_only=True):
    """What can be set.

    Attributes:
        listen: `host:port` of the gRPC server; port 0 picks one.
        data: folder of the database and keys, created with mode 0700.
        trust: folder in which services publish the public keys of their identities.
        capture: target of the capture service.
        origin: the start of every tenant's log name; choose it once, it stands in every checkpoint.
        log_level: `debug`, `info`, `warning` or `error`.
        grace: seconds that calls in flight get at shutdown.
        checkpoint_interval: seconds between checkpoints of a log that grows.
        known_verdicts: how many verdicts without an event are kept in memory.
        sessions: how many sessions' paths are kept in memory.
    """

    listen: str = "127.0.0.1:50053"
    data: Path = Path("data/diff")
    trust: Path = Path("data/trust")
    capture: str = "127.0.0.1:50052"
    origin: str = "systemzero.local/log"
    log_level: LogLevel = "info"
    grace: Seconds = 10.0
    checkpoint_interval: Annotated[float, msgspec.Meta(gt=0)] = 1.0
    known_verdicts: Count = 20_000
    sessions: Count = 10_000
