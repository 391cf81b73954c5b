"""Plug-ins: what installed packages declare under the project's entry point groups.

Each entry point names something that is called without arguments: a class, or a factory. A plug-in
that cannot be loaded keeps the service from starting; without it, it would judge otherwise than was
asked for, and nobody would know.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import Any

from systemzero_core import drift, formats
from systemzero_core.drift import Detector
from systemzero_core.errors import FailedPrecondition
from systemzero_core.formats import Formats


def load_detectors() -> tuple[Detector, ...]:
    """The built-in detectors and those that are installed.

    Raises:
        FailedPrecondition: one cannot be loaded.
        AlreadyExists: two have one name.
    """
    return drift.registered(_loaded(drift.ENTRY_POINT_GROUP))


def load_formats() -> Formats:
    """The built-in formats and those that are installed.

    Raises:
        FailedPrecondition: one cannot be loaded.
        AlreadyExists: two have one name.
    """
    return Formats(_loaded(formats.ENTRY_POINT_GROUP))


@cache
def lane_formats() -> Formats:
    """The formats, in a lane."""
    return load_formats()


@cache
def lane_detectors() -> tuple[Detector, ...]:
    """The detectors, in a lane."""
    return load_detectors()


def _loaded(group: str) -> list[Any]:
    made = []
    for point in entry_points(group=group):
        try:
            made.append(point.load()())
        except Exception as error:
            what = f"the plug-in {point.name} = {point.value} of {group} cannot be loaded"
            raise FailedPrecondition(f"{what}: {type(error).__name__}: {error}") from error
    return made
