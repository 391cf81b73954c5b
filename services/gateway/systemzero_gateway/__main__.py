"""Run the gateway as a process of its own: `python -m systemzero_gateway --config FILE`."""

from __future__ import annotations

import sys

from systemzero_gateway.process import main

if __name__ == "__main__":
    sys.exit(main())
