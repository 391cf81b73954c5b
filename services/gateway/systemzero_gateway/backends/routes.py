"""Which backend serves a method."""

from __future__ import annotations

from collections.abc import Mapping


def backend_of(path: str, routes: Mapping[str, str]) -> str | None:
    """The name of the backend for the method at `path`, by the longest prefix that fits."""
    name = path.removeprefix("/")
    fitting = [prefix for prefix in routes if name.startswith(prefix)]
    return routes[max(fitting, key=len)] if fitting else None
