"""Run the diff service as a process of its own: `python -m systemzero_diff --config FILE`."""

from __future__ import annotations

import sys

from systemzero_diff.process import main

if __name__ == "__main__":
    sys.exit(main())
