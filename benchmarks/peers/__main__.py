"""`python -m benchmarks.peers`: see `race`."""

import sys

from benchmarks.peers.race import main

if __name__ == "__main__":
    sys.exit(main())
