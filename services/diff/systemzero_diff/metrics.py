"""The diff service's own metrics, beside those of every call and every service."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

from systemzero_base.telemetry.stages import Stage
from systemzero_core.drift import Severity, Verdict
from systemzero_core.match import MatchAnswer

_VERDICTS = Counter("systemzero_verdicts", "Verdicts, by kind.", ["kind"])
VERDICTS: Final = {kind.value: _VERDICTS.labels(kind.value) for kind in Verdict}
"""From the start, so that a rate is 0 where there are none."""
ANSWERED: Final = Counter(
    "systemzero_checks",
    "Checks, by what decided: a repeated request, incompleteness, signatures, a tree; or not yet, "
    "since the tree is needed.",
    ["decided_by"],
)
_EVENTS = Counter(
    "systemzero_drift_events",
    "Drift events recorded, by the detector of the gravest finding and by severity.",
    ["kind", "severity"],
)
_MATCHES = Counter(
    "systemzero_matches",
    "Trees that were matched, by outcome: exact, scored, or missed for an unknown screen.",
    ["outcome"],
)
HINTS_REJECTED: Final = Counter(
    "systemzero_match_hints_rejected", "Screens that a client named and matching did not confirm."
)
_STAGES = Histogram(
    "systemzero_check_stage_duration_seconds",
    "Duration of the stages of a check with a tree: match, judge (diff and detectors), record.",
    ["stage"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
MATCH: Final = Stage(_STAGES, "match")
JUDGE: Final = Stage(_STAGES, "judge")
RECORD: Final = Stage(_STAGES, "record")
TENANTS: Final = Gauge(
    "systemzero_template_tenants",
    "Tenants whose templates are in memory.",
    multiprocess_mode="livesum",
)
TEMPLATES: Final = Gauge(
    "systemzero_templates", "Templates in memory.", multiprocess_mode="livesum"
)
BASELINES: Final = Gauge(
    "systemzero_template_baselines",
    "Templates that are ready to be compared with.",
    multiprocess_mode="livesum",
)
TEMPLATE_BYTES: Final = Gauge(
    "systemzero_template_bytes",
    "Memory that templates take, about: packed, in indexes, and ready to be compared with.",
    multiprocess_mode="livesum",
)
BASELINES_MADE: Final = Counter(
    "systemzero_template_baselines_made",
    "Templates that were made ready; again and again where template_bytes is too low.",
)
SETS_LOADED: Final = Counter(
    "systemzero_template_sets_loaded",
    "Tenants whose templates were loaded; again and again where template_bytes is too low.",
)

_NO_FINDING = "edit"


def matched(answer: MatchAnswer) -> None:
    """Count a search for the template of a tree."""
    outcome = "missed"
    if answer.chosen is not None:
        outcome = "exact" if answer.chosen.exact else "scored"
    _MATCHES.labels(outcome).inc()
    if answer.hint_rejected:
        HINTS_REJECTED.inc()


def recorded(detector: str, severity: Severity) -> None:
    """Count an event that is in the log; `detector` is that of the gravest finding, if any."""
    _EVENTS.labels(detector or _NO_FINDING, severity.value).inc()
