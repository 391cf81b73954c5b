"""Limits that change while the gateway runs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from systemzero_base.settings.config import ConfigError
from systemzero_gateway.access.policy import Method
from systemzero_gateway.limits import LimitSettings

_FIXED: Final = frozenset({"store", "store_password_file", "store_timeout", "on_store_failure"})
"""What holds for the life of a process: the store is opened once."""


def check_costs(limits: LimitSettings, methods: Iterable[Method]) -> None:
    """Hold the platform's rates against what calls cost.

    Raises:
        ConfigError: a call costs more than a bucket ever holds.
    """
    for method in methods:
        for name in ("tenant", "principal"):
            burst = getattr(limits, name).burst
            if method.cost > burst:
                costs = f"{method.path} costs {method.cost}"
                raise ConfigError(f"configuration: limits.{name}.burst: {burst}, but {costs}")


def changes(old: LimitSettings, new: LimitSettings) -> tuple[dict[str, str], list[str]]:
    """What is other in `new`, as `old -> new` by name; and the names that need a restart."""
    before = _flat(msgspec.to_builtins(old, enc_hook=str))
    after = _flat(msgspec.to_builtins(new, enc_hook=str))
    other = [name for name in after if before[name] != after[name]]
    changed = {name: f"{before[name]} -> {after[name]}" for name in other if name not in _FIXED}
    return changed, [name for name in other if name in _FIXED]


def applicable(old: LimitSettings, new: LimitSettings) -> LimitSettings:
    """What of `new` can hold at once; the rest as in `old`."""
    return msgspec.structs.replace(new, **{name: getattr(old, name) for name in _FIXED})


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value
    return flat
