"""Run the three services in one process: `python -m systemzero_standalone --config FILE`."""

from __future__ import annotations

import sys

from systemzero_standalone.process import main

if __name__ == "__main__":
    sys.exit(main())
