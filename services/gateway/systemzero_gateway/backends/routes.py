"""Which backend serves a method: none, where it is one of the gateway's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_OWN: Final = "systemzero.gateway."


def is_own(path: str) -> bool:
    """Whether the gateway itself serves the method at `path`, or the service of that name."""
    return path.removeprefix("/").startswith(_OWN)


def backend_of(path: str, routes: Mapping[str, str]) -> str | None:
    """The name of the backend for the method at `path`, by the longest prefix that fits."""
    name = path.removeprefix("/")
    if is_own(name):
        return None
    fitting = [prefix for prefix in routes if name.startswith(prefix)]
    return routes[max(fitting, key=len)] if fitting else None
