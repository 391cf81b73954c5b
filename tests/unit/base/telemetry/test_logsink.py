"""A log that can't be written holds nobody up; what can be is there, in order, in its place."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from systemzero_base.telemetry import logs
from systemzero_base.telemetry.logs import LEVELS, LogSettings
from systemzero_base.telemetry.logsink import LogFile
from tests.support.logging import lines_in, logging_as

FULL = Path("/dev/full")
SCRIPT = """
from systemzero_base.telemetry import logs
logs.configure(logs.LogSettings())
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
from systemzero_base.telemetry import logs
from systemzero_base.telemetry import logsink
logs.configure(logs.LogSettings())
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
    "end", ["await asyncio.sleep(3 * logsink.LINGER)", "sys.exit(0)", "raise ValueError"]
)
def test_lines_of_a_running_loop_are_written_in_order_however_it_ends(end: str) -> None:
    script = IN_A_LOOP.format(end=end)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    lines = [line for line in done.stderr.splitlines() if line.startswith(b'{"service')]
    assert [json.loads(line)["number"] for line in lines] == list(range(-1, 102))


BAD_BYTES = """
import logging
from systemzero_base.telemetry import logs
logs.configure(logs.LogSettings())
logging.getLogger("grpc._cython.cygrpc").error("Invalid encoding on %s", b"Bearer s0_live_secret")
logging.getLogger("grpc._cython.cygrpc").error("something else")
"""


def test_what_grpc_says_of_metadata_that_is_no_text_is_not_logged() -> None:
    done = subprocess.run([sys.executable, "-c", BAD_BYTES], capture_output=True, check=False)
    (line,) = [json.loads(line) for line in done.stderr.splitlines()]
    assert (line["event"], line["logger"]) == ("library", "grpc._cython.cygrpc")
    assert (line["level"], line["message"]) == ("error", "something else")


def test_lines_are_json_whatever_is_in_them(tmp_path: Path) -> None:
    fields = {"path": Path("/a"), "bytes": b"\xff", "error": ValueError("v"), "text": "a\nb"}
    with logging_as(LogSettings(output=str(tmp_path / "log"))):
        logger = logs.get_logger("test")
        logger.info("x", **fields)
        logger.info("y", bad="\ud800")
    first, second = lines_in(tmp_path / "log")
    assert (first["event"], first["path"], first["text"]) == ("x", "/a", "a\nb")
    assert (second["event"], second["bad"]) == ("y", "?")


def test_levels_are_those_that_settings_take(tmp_path: Path) -> None:
    assert set(LEVELS) == {"debug", "info", "warning", "error"}
    with logging_as(LogSettings(level="warning", output=str(tmp_path / "log"))):
        logger = logs.get_logger("test")
        logger.info("quiet")
        logger.warning("loud", n=1)
    (line,) = lines_in(tmp_path / "log")
    assert (line["event"], line["level"], line["n"]) == ("loud", "warning", 1)


def test_security_events_can_have_a_file_of_their_own(tmp_path: Path) -> None:
    both, own = tmp_path / "log", tmp_path / "security"
    for settings, place in (
        (LogSettings(output=str(both)), both),
        (LogSettings(output=str(both), security_output=str(own)), own),
    ):
        with logging_as(settings):
            logs.get_security_logger("test").warning("call.denied", address="192.0.2.1")
            logs.get_logger("test").info("other")
        found = [line for line in lines_in(place) if line.get("category") == "security"]
        assert [line["address"] for line in found] == ["192.0.2.1"]
    assert [line["event"] for line in lines_in(both)] == ["call.denied", "other", "other"]


def test_a_file_is_moved_aside_before_it_outgrows_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log"
    file = LogFile(path, max_bytes=10, backups=2)
    for number in range(7):
        file.write(b"line %d\n" % number)
    texts = [path.with_name(name).read_text() for name in ("log", "log.1", "log.2")]
    assert texts == ["line 6\n", "line 5\n", "line 4\n"]
    assert len(list(path.parent.iterdir())) == 3
    assert path.stat().st_mode & 0o777 == 0o640


def test_processes_that_share_a_file_rotate_it_once(tmp_path: Path) -> None:
    path = tmp_path / "log"
    one, other = (LogFile(path, max_bytes=20, backups=9) for _ in range(2))
    for number in range(6):
        (one if number % 2 else other).write(b"line %d\n" % number)
    kept = sorted(file.read_text() for file in tmp_path.iterdir())
    assert kept == ["line 0\nline 1\n", "line 2\nline 3\n", "line 4\nline 5\n"]


@pytest.mark.parametrize("gone", [False, True])
def test_a_file_that_was_moved_away_is_made_anew(tmp_path: Path, gone: bool) -> None:
    path = tmp_path / "log"
    file = LogFile(path, max_bytes=0, backups=0)
    file.write(b"before\n")
    path.rename(tmp_path / "moved")
    if not gone:
        path.write_bytes(b"")
    file.write(b"after\n")
    assert path.read_bytes() == b"after\n"
    assert (tmp_path / "moved").read_bytes() == b"before\n"
