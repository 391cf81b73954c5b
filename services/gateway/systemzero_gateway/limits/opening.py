"""The store that the settings ask for."""

from __future__ import annotations

import time
from pathlib import Path

import structlog

from systemzero_base.secrets import Secret, read_private
from systemzero_base.settings.config import ConfigError
from systemzero_base.work.background import Loops
from systemzero_gateway.limits.memory import MemoryLimits
from systemzero_gateway.limits.protocol import LimitStore, LocalLimits
from systemzero_gateway.limits.settings import LimitSettings
from systemzero_gateway.limits.shared_memory import SharedMemoryLimits


def open_limits(
    settings: LimitSettings,
    logger: structlog.typing.FilteringBoundLogger,
    loops: Loops,
    shared: Path | None = None,
) -> LimitStore:
    """Buckets in memory, or in the store that is named; it is connected to with the first call.

    `shared` is the folder of what workers share; None where there is but one.

    Raises:
        ConfigError: the password can't be read.
    """
    if not settings.store:
        return local_limits("callers", shared)
    # here, since most gateways are alone: the client takes half a second and 17 MB to import
    from systemzero_gateway.limits.shared import SharedLimits
    from systemzero_gateway.limits.valkey import ValkeyLimits

    store = ValkeyLimits(settings.store, password_of(settings), settings.store_timeout)
    is_local = settings.on_store_failure == "local"
    fallback = local_limits("callers", shared) if is_local else None
    return SharedLimits(store, fallback, logger, loops)


def local_limits(name: str, shared: Path | None) -> LocalLimits:
    """Buckets in this process's memory, or those of that name which all workers share."""
    if shared is None:
        return MemoryLimits(time.monotonic)
    return SharedMemoryLimits(shared / f"limits-{name}", time.monotonic)


def password_of(settings: LimitSettings) -> Secret | None:
    """The store's password, if it has one.

    Raises:
        ConfigError: the file can't be read, is open to others, or holds no password.
    """
    file = settings.store_password_file
    if file is None:
        return None
    try:
        password = read_private(file).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ConfigError(f"configuration: limits.store_password_file: {file}: {reason}") from None
    if not password:
        raise ConfigError(f"configuration: limits.store_password_file: {file}: is empty")
    return Secret(password)
