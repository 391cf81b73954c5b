"""The lines of calls: each has one, but not each of those that are nobody's."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from systemzero_base.telemetry import logs
from systemzero_base.telemetry.logs import STRANGERS, CallLog, LogSettings, get_logger
from tests.support.logging import lines_in, logging_as


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    with logging_as(LogSettings(output=str(tmp_path / "log"))):
        yield tmp_path / "log"


def call(tenant: str = "") -> Any:
    texts = dict.fromkeys(("request_id", "trace_id", "principal", "verdict", "reason"), "")
    return SimpleNamespace(method="/a.B/C", seconds=0.0, tenant=tenant, **texts)


def test_a_stranger_does_not_fill_the_log(log_file: Path) -> None:
    ticks = [0.0]
    log = CallLog("gateway", lambda: ticks[0])
    for _ in range(1_000):
        log.write(call(), "UNAUTHENTICATED")
    assert len(lines_in(log_file)) == STRANGERS
    ticks[0] = 1.0
    log.write(call(), "UNAUTHENTICATED")
    assert lines_in(log_file)[-1]["lines_left_out"] == 1_000 - STRANGERS


def test_calls_of_a_tenant_and_those_that_went_well_have_a_line_each(
    log_file: Path,
) -> None:
    log = CallLog("gateway", lambda: 0.0)
    for _ in range(100):
        log.write(call("acme"), "PERMISSION_DENIED")
        log.write(call(), "OK")
    lines = lines_in(log_file)
    assert len(lines) == 200
    assert not any("lines_left_out" in line for line in lines)


def test_lines_of_calls_of_libraries_and_of_ours_have_the_same_fields(log_file: Path) -> None:
    CallLog("gateway").write(call("acme"), "INTERNAL")
    get_logger("gateway").error("ours")
    for level, text, argument in (
        (logging.ERROR, "theirs %d", 1),
        (logging.ERROR, "its arguments are not those of its text %d", "x"),
        (35, "a level of its own: %d", 2),
    ):
        record = logging.LogRecord("grpc", level, __file__, 1, text, (argument,), None)
        logs._Libraries().emit(record)
    lines = lines_in(log_file)
    assert [line["event"] for line in lines] == ["rpc", "ours", "library", "library"]
    assert [line["level"] for line in lines] == ["error", "error", "error", "warning"]
    assert lines[2]["message"] == "theirs 1"
    assert all(line["timestamp"].endswith("Z") for line in lines)
    assert "principal" not in lines[0]
