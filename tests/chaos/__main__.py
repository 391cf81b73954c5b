"""`python -m tests.chaos [--rounds N] [--replicas N] [--signal TERM|KILL]`."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.chaos.rolling import roll


def main() -> int:
    """Parse the command line and run; an assertion is the failure."""
    parser = argparse.ArgumentParser(prog="tests.chaos", description="Restart under load.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replicas", type=int, default=2, help="of each service")
    parser.add_argument("--signal", choices=["TERM", "KILL"], default="TERM")
    arguments = parser.parse_args()

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as folder:
        number = signal.Signals[f"SIG{arguments.signal}"]
        answered = roll(Path(folder), arguments.rounds, arguments.replicas, number, tell)
    tell(f"{answered.total()} calls, none failed: {dict(answered)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
