"""`python -m systemzero_client` is `sz`."""

import sys

from systemzero_client.cli import main

if __name__ == "__main__":
    sys.exit(main())
