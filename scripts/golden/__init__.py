"""What every capture and pair of tests/data comes to, on whatever interpreter runs this.

Needs `systemzero_core` with its dependencies and nothing else, so that an interpreter with an
environment of its own can be asked: `python -m scripts.golden FILE` (or `-` for standard output).
`make golden` writes tests/data/golden.json; tests/unit/core/test_golden.py holds each interpreter
to it.
"""

from scripts.golden.compare import differences
from scripts.golden.found import GOLDEN, written

__all__ = ["GOLDEN", "differences", "written"]
