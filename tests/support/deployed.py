"""Services as deployments start them: their settings, and how long they take to stop."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from scripts.configuration import SERVICES
from systemzero_base.settings.config import load
from systemzero_runtime.interceptors.drain import END_SECONDS
from systemzero_runtime.running.workers import MARGIN_SECONDS

ROOT = Path(__file__).parents[2]


def settings_of(
    service: str, environment: Mapping[str, str] | None = None, file: Path | None = None
) -> Any:
    """What a service would run with."""
    kind, prefix = SERVICES[service]
    return load(kind, file, environment or {}, prefix)


def seconds_to_stop(settings: Any) -> float:
    """What a service takes at most, from the signal on: calls, watches, closing or its workers."""
    grace: float = settings.grace
    return grace + END_SECONDS + MARGIN_SECONDS
