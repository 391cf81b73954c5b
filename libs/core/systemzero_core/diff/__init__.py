"""Tree difference: from two trees to an edit script that a person can read.

See `docs/design/diff.md` for the algorithm and its sources.
"""

from systemzero_core.diff.budget import DEFAULT_BUDGET, Budget
from systemzero_core.diff.describe import format_path
from systemzero_core.diff.engine import diff
from systemzero_core.diff.patch import apply, invert
from systemzero_core.diff.prepared import Prepared
from systemzero_core.diff.render import render_text, to_json
from systemzero_core.diff.script import (
    MAX_PATH_STEPS,
    Change,
    Composed,
    Edit,
    EditKind,
    EditScript,
    FieldValue,
    PathStep,
    RecordedTeller,
    SubtreeRange,
    Teller,
)

__all__ = [
    "DEFAULT_BUDGET",
    "MAX_PATH_STEPS",
    "Budget",
    "Change",
    "Composed",
    "Edit",
    "EditKind",
    "EditScript",
    "FieldValue",
    "PathStep",
    "Prepared",
    "RecordedTeller",
    "SubtreeRange",
    "Teller",
    "apply",
    "diff",
    "format_path",
    "invert",
    "render_text",
    "to_json",
]
