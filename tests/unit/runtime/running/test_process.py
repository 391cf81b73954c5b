"""A service as a process: its arguments, what stops its start, its exit status."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import structlog

from systemzero_base.settings.config import ConfigError, LogLevel, Settings
from systemzero_core.errors import FailedPrecondition
from systemzero_runtime.running.process import run


class Example(Settings, frozen=True, kw_only=True):
    port: int = 1
    log_level: LogLevel = "info"


def started(
    monkeypatch: pytest.MonkeyPatch, *arguments: str, error: Exception | None = None
) -> tuple[int, list[Example]]:
    """The exit status of a run with `arguments`, and the settings that were served."""
    served: list[Example] = []

    async def serve(settings: Example) -> None:
        served.append(settings)
        if error is not None:
            raise error

    monkeypatch.setattr(sys, "argv", ["systemzero_test", *arguments])
    try:
        return run("test", Example, "SZ_EXAMPLE_", serve), served
    finally:
        structlog.reset_defaults()


def test_it_serves_by_file_and_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "test.yaml"
    file.write_text("port: 5\nlog_level: error\n")
    monkeypatch.setenv("SZ_EXAMPLE_PORT", "6")
    assert started(monkeypatch, "--config", str(file)) == (
        0,
        [Example(port=6, log_level="error")],
    )


def test_settings_are_checked_without_a_start(monkeypatch: pytest.MonkeyPatch) -> None:
    assert started(monkeypatch, "--check-config") == (0, [])


@pytest.mark.parametrize(
    "error",
    [
        ConfigError("port: is taken"),
        FailedPrecondition("port: is taken"),
        OSError("port: is taken"),
        RuntimeError("port: is taken"),
    ],
)
def test_what_stops_a_start_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: Exception
) -> None:
    assert started(monkeypatch, error=error)[0] == 2
    assert capsys.readouterr().err == "systemzero_test: port: is taken\n"


@pytest.mark.parametrize(
    ("key", "value"),
    [("SZ_EXAMPLE_PORT", "x"), ("SZ_EXAMPLE_PORT", "[1"), ("SZ_EXAMPLE_LOG_LEVEL", "loud")],
)
def test_bad_settings_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str, value: str
) -> None:
    monkeypatch.setenv(key, value)
    assert started(monkeypatch) == (2, [])
    shown = capsys.readouterr().err
    assert shown.startswith("systemzero_test: ")
    assert key.removeprefix("SZ_EXAMPLE_").lower() in shown.lower()
    assert "Traceback" not in shown
