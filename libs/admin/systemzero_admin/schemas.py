"""The schemas of the services that are installed, by entry point: group `systemzero.schemas`."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points
from typing import Final

from systemzero_core.errors import NotFound
from systemzero_storage.database import Schema

GROUP: Final = "systemzero.schemas"


def installed(names: Sequence[str] | None = None) -> list[Schema]:
    """The schemas of these services, or of all that are installed, by name.

    Raises:
        NotFound: one is not installed.
    """
    points = {point.name: point for point in entry_points(group=GROUP)}
    for name in names or ():
        if name not in points:
            raise NotFound(f"no service {name!r:.60} is installed; there are {sorted(points)}")
    schemas: list[Schema] = [points[name].load() for name in sorted(names or points)]
    return schemas
