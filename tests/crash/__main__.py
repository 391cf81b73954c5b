"""Run the crash loop: `python -m tests.crash --rounds 500 [--seed N] [--database postgres]`.

With `--split`, of three processes one at a time is killed while the others live.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.crash.disk import failing_disk
from tests.crash.faults import PostgresKilled, full_disk, full_disk_mended, kill
from tests.crash.rounds import Fault, run
from tests.crash.split import run_split
from tests.support.postgres import Server, migrated, process

SQLITE_FAULTS: list[Fault] = [kill, full_disk, full_disk_mended]


@contextmanager
def postgres(folder: Path) -> Iterator[tuple[Path, list[Fault]]]:
    """A PostgreSQL whose disk is meant: a file with the service's URL, and the faults there are."""
    with process("fsync=on") as server:
        server.start()
        database = Server(server.url)
        service = migrated(database, folder)
        yield service, [kill, PostgresKilled(server)]


def main() -> int:
    """Parse the command line and run; an assertion is the failure."""
    parser = argparse.ArgumentParser(prog="tests.crash", description="Crash, and lose nothing.")
    parser.add_argument("--rounds", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--split", action="store_true", help="one of three processes at a time")
    arguments = parser.parse_args()
    sys.stdout.write(f"seed {arguments.seed}\n")

    def tell(line: str) -> None:
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    with tempfile.TemporaryDirectory() as name:
        folder, rounds = Path(name), arguments.rounds
        if arguments.split:
            run_split(folder / "data", rounds, arguments.seed, tell)
        elif arguments.database == "postgres":
            with postgres(folder) as (url, faults):
                run(folder / "data", rounds, faults, arguments.seed, url, tell)
        else:
            with failing_disk(folder) as failing:
                faults = [*SQLITE_FAULTS, *failing]
                run(folder / "data", rounds, faults, arguments.seed, tell=tell)
    sys.stdout.write("nothing is lost, nothing is there twice, and the log is one\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
