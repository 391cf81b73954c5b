"""Run the capture service as a process of its own: `python -m systemzero_capture --config FILE`."""

from __future__ import annotations

import sys

from systemzero_capture.process import main

if __name__ == "__main__":
    sys.exit(main())
