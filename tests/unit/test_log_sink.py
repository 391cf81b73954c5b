"""A log that can't be written holds nobody up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
SCRIPT = """
from systemzero_chassis import logs
logs.configure()
for i in range(2_000):
    logs.get_logger("test").info("rpc", number=i)
print("went on")
"""


@pytest.mark.skipif(not FULL.exists(), reason="no /dev/full here")
def test_a_full_disk_under_the_log_fails_no_call() -> None:
    with FULL.open("w") as full:
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], stderr=full, stdout=subprocess.PIPE, check=False
        )
    assert done.stdout == b"went on\n"
