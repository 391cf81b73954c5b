"""What the gateway's settings are held against before it starts: the contract, and the backends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from systemzero_base.settings.config import ConfigError
from systemzero_gateway.access.policy import Method
from systemzero_gateway.backends.routes import backend_of, is_own
from systemzero_gateway.config import GatewaySettings
from systemzero_gateway.limits import password_of
from systemzero_gateway.limits.reload import check_costs
from systemzero_runtime.serving.tls import check_files


def check(
    settings: GatewaySettings, backends: Iterable[str], methods: Mapping[str, Method]
) -> None:
    """Hold the settings against the names of the backends and against the contract.

    Raises:
        ConfigError: a method leads to nobody who serves it, or costs more than a limit ever lets
            pass; a password, a certificate or its key can't be used.
    """
    password_of(settings.limits)
    check_costs(settings.limits, methods.values())
    check_files(settings.tls, settings.backend_tls)
    known = set(backends)
    for path in methods:
        if not is_own(path) and backend_of(path, settings.routes) not in known:
            raise ConfigError(f"configuration: routes: {path} leads to no backend")
