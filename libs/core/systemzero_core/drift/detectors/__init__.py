"""The built-in detectors, and how others are taken in.

Others come as plug-ins of the entry point group `systemzero.detectors`. Loading them is the
service's part; it hands what it loaded to `registered`.
"""

from __future__ import annotations

from collections.abc import Iterable

from systemzero_core.drift.detectors.content import ContentDetector
from systemzero_core.drift.detectors.layout import LayoutDetector
from systemzero_core.drift.detectors.manipulative import ManipulativeDetector
from systemzero_core.drift.detectors.sequence import SequenceDetector
from systemzero_core.drift.model import Detector
from systemzero_core.errors import AlreadyExists

ENTRY_POINT_GROUP = "systemzero.detectors"
"""Where plug-ins declare their detectors: a class without arguments, or an instance's factory."""

BUILT_IN: tuple[Detector, ...] = (
    LayoutDetector(),
    ContentDetector(),
    ManipulativeDetector(),
    SequenceDetector(),
)
"""The detectors that every judgement asks."""


def registered(plugins: Iterable[Detector], *, without: Iterable[str] = ()) -> tuple[Detector, ...]:
    """The built-in detectors and `plugins`, by name, less those named in `without`.

    Raises:
        AlreadyExists: two detectors of one name.
    """
    chosen: dict[str, Detector] = {}
    for detector in (*BUILT_IN, *plugins):
        if detector.name in chosen:
            raise AlreadyExists(f"two detectors are named {detector.name}")
        chosen[detector.name] = detector
    left_out = set(without)
    return tuple(detector for name, detector in chosen.items() if name not in left_out)


__all__ = [
    "BUILT_IN",
    "ENTRY_POINT_GROUP",
    "ContentDetector",
    "LayoutDetector",
    "ManipulativeDetector",
    "SequenceDetector",
    "registered",
]
