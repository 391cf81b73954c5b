"""The capture service's own metrics, beside those of every call and every service."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Histogram

from systemzero_base.telemetry.stages import Stage
from systemzero_core.drift import Verdict

TAKEN: Final = Counter(
    "systemzero_captures",
    "Captures that came in, by how they were taken: as a repeated request, by bytes or a digest "
    "that were seen before, decoded, or not at all until the body comes.",
    ["taken"],
)
INCOMPLETE: Final = Counter(
    "systemzero_captures_incomplete",
    "Captures that were decoded and are incomplete, by the first reason.",
    ["reason"],
)
COLLECTED: Final = Counter(
    "systemzero_captures_collected", "Captures that were collected, being out of their bounds."
)
_STAGES = Histogram(
    "systemzero_capture_stage_duration_seconds",
    "Duration of the stages of taking a capture in: decode, store, and judge (the diff service).",
    ["stage"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
DECODE: Final = Stage(_STAGES, "decode")
STORE: Final = Stage(_STAGES, "store")
JUDGE: Final = Stage(_STAGES, "judge")
_TO_VERDICT = Histogram(
    "systemzero_capture_to_verdict_seconds",
    "Time from a capture's arrival at the capture service to its verdict, by verdict.",
    ["verdict"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_BY_KIND = {kind.value: _TO_VERDICT.labels(kind.value) for kind in Verdict}


def verdict_reached(kind: str, seconds: float) -> None:
    """Count a capture that has its verdict, a word of `Verdict`, `seconds` after it came."""
    _BY_KIND[kind].observe(seconds)
