"""A log that can't be written holds nobody up; what can be is there, in order."""

from __future__ import annotations

import json
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


IN_A_LOOP = """
import asyncio, sys, threading
from systemzero_chassis import logs
logs.configure()
log = logs.get_logger("test")

async def main():
    for i in range(100):
        log.info("rpc", number=i)
    await asyncio.to_thread(log.info, "rpc", number=100)
    log.info("rpc", number=101)
    {end}

log.info("rpc", number=-1)
asyncio.run(main())
"""


@pytest.mark.parametrize(
    "end", ["await asyncio.sleep(3 * logs.LINGER)", "sys.exit(0)", "raise ValueError"]
)
def test_lines_of_a_running_loop_are_written_in_order_however_it_ends(end: str) -> None:
    script = IN_A_LOOP.format(end=end)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith(b'{"service')]
    assert [json.loads(line)["number"] for line in lines] == list(range(-1, 102))


BAD_BYTES = """
import logging
from systemzero_chassis import logs
logs.configure()
logging.getLogger("grpc._cython.cygrpc").error("Invalid encoding on %s", b"Bearer s0_live_secret")
logging.getLogger("grpc._cython.cygrpc").error("something else")
"""


def test_what_grpc_says_of_metadata_that_is_no_text_is_not_logged() -> None:
    done = subprocess.run([sys.executable, "-c", BAD_BYTES], capture_output=True, check=False)
    assert done.stderr == b"ERROR grpc._cython.cygrpc something else\n"
