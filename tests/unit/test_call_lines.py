"""The lines of calls: each has one, but not each of those that are nobody's."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest

from systemzero_base.telemetry import logs
from systemzero_base.telemetry.logs import STRANGERS, CallLog


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    written: list[dict[str, Any]] = []
    sink = SimpleNamespace(write=lambda line: written.append(json.loads(line)))
    monkeypatch.setattr(logs._Logs, "main", sink)
    monkeypatch.setattr(logs._Logs, "level", 0)
    return written


def call(tenant: str = "") -> Any:
    texts = dict.fromkeys(("request_id", "trace_id", "principal", "verdict", "reason"), "")
    return SimpleNamespace(method="/a.B/C", seconds=0.0, tenant=tenant, **texts)


def test_a_stranger_does_not_fill_the_log(lines: list[dict[str, Any]]) -> None:
    ticks = [0.0]
    log = CallLog("gateway", lambda: ticks[0])
    for _ in range(1_000):
        log.write(call(), "UNAUTHENTICATED")
    assert len(lines) == STRANGERS
    ticks[0] = 1.0
    log.write(call(), "UNAUTHENTICATED")
    assert lines[-1]["lines_left_out"] == 1_000 - STRANGERS


def test_calls_of_a_tenant_and_those_that_went_well_have_a_line_each(
    lines: list[dict[str, Any]],
) -> None:
    log = CallLog("gateway", lambda: 0.0)
    for _ in range(100):
        log.write(call("acme"), "PERMISSION_DENIED")
        log.write(call(), "OK")
    assert len(lines) == 200
    assert not any("lines_left_out" in line for line in lines)
