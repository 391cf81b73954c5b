"""Tree difference: from two trees to an edit script that a person can read.

See `docs/design/diff.md` for the algorithm and its sources.
"""

from systemzero_core.diff.script import (
    MAX_PATH_STEPS,
    Change,
    Edit,
    EditKind,
    EditScript,
    FieldValue,
    PathStep,
    Place,
)

__all__ = [
    "MAX_PATH_STEPS",
    "Change",
    "Edit",
    "EditKind",
    "EditScript",
    "FieldValue",
    "PathStep",
    "Place",
]
