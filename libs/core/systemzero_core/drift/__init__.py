"""Drift: from an edit script to a verdict, its severity, its fingerprint and what was decided.

See `docs/design/drift.md`.
"""

from systemzero_core.drift.decisions import decide, not_whole, resolve, unapproved
from systemzero_core.drift.detectors import (
    BUILT_IN,
    ENTRY_POINT_GROUP,
    registered,
)
from systemzero_core.drift.fingerprint import (
    causes_among,
    edit_fingerprint,
    edit_values_digest,
    is_consequence,
    script_fingerprint,
)
from systemzero_core.drift.held import HeldDecision, held
from systemzero_core.drift.judge import (
    judge,
    similarity,
)
from systemzero_core.drift.model import (
    Context,
    CoveredEdit,
    Decision,
    DecisionKind,
    DecisionScope,
    Detector,
    EventState,
    Finding,
    JudgedEdit,
    Judgement,
    PlaceDigests,
    Resolution,
    SessionCapture,
    Severity,
    Verdict,
)
from systemzero_core.drift.noise import (
    at_most_per_thousand,
    estimate_noise,
    per_thousand,
)
from systemzero_core.drift.overlays import NO_LAYERS, Layers
from systemzero_core.drift.render import (
    judgement_to_json,
    render_judged,
    render_judgement,
)
from systemzero_core.drift.weigh import (
    DEFAULT_THRESHOLDS,
    Thresholds,
)

__all__ = [
    "BUILT_IN",
    "DEFAULT_THRESHOLDS",
    "ENTRY_POINT_GROUP",
    "NO_LAYERS",
    "Context",
    "CoveredEdit",
    "Decision",
    "DecisionKind",
    "DecisionScope",
    "Detector",
    "EventState",
    "Finding",
    "HeldDecision",
    "JudgedEdit",
    "Judgement",
    "Layers",
    "PlaceDigests",
    "Resolution",
    "SessionCapture",
    "Severity",
    "Thresholds",
    "Verdict",
    "at_most_per_thousand",
    "causes_among",
    "decide",
    "edit_fingerprint",
    "edit_values_digest",
    "estimate_noise",
    "held",
    "is_consequence",
    "judge",
    "judgement_to_json",
    "not_whole",
    "per_thousand",
    "registered",
    "render_judged",
    "render_judgement",
    "resolve",
    "script_fingerprint",
    "similarity",
    "unapproved",
]
