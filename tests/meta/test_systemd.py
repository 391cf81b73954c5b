"""The systemd units: sound, confined, with time to drain; and what they start starts confined."""

from __future__ import annotations

import configparser
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from scripts.configuration import SERVICES
from tests.support.deployed import ROOT, seconds_to_stop, settings_of

UNITS = ROOT / "deploy" / "systemd"
PYTHON = "/opt/systemzero/bin/python"
EXPOSURE = 2.0
ANALYZE = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze here")

CONFINED = """
import ctypes, os, sys
assert ctypes.CDLL(None).prctl(65, 1, 0, 0, 0) in (0, -1)  # PR_SET_MDWE, where the kernel has it
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Unit(configparser.RawConfigParser):
    """A unit file; a key that is there twice has the last value."""

    def optionxform(self, optionstr: str) -> str:
        return optionstr


@pytest.fixture(params=["systemzero.service", "systemzero@.service"])
def unit(request: pytest.FixtureRequest) -> Any:
    found = Unit(strict=False, interpolation=None)
    found.read(UNITS / request.param)
    return found["Service"]


@pytest.fixture
def installed(tmp_path: Path) -> list[Path]:
    """The units as installed, with an interpreter that is there."""
    names = {"systemzero.service": "systemzero.service"}
    names |= {f"systemzero@{name}.service": "systemzero@.service" for name in SERVICES}
    for name, source in names.items():
        text = (UNITS / source).read_text().replace(PYTHON, sys.executable)
        (tmp_path / name).write_text(text)
    return [tmp_path / name for name in names]


@needs_systemd
def test_systemd_finds_nothing_wrong_and_little_exposed(installed: list[Path]) -> None:
    for path in installed:
        command = [str(ANALYZE), "verify", "--man=no", str(path)]
        verified = subprocess.run(command, capture_output=True, text=True, check=False)
        ours = [line for line in verified.stderr.splitlines() if path.name in line]
        assert (verified.returncode, ours) == (0, [])
    command = [str(ANALYZE), "security", "--offline=true", *map(str, installed[:2])]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    levels = [float(level) for level in re.findall(r"exposure level for .*: ([\d.]+)", said)]
    assert len(levels) == 2
    assert max(levels) < EXPOSURE


@pytest.mark.parametrize("service", SERVICES)
def test_the_settings_that_go_with_a_unit_are_good_and_leave_time_to_stop(
    service: str, unit: Any
) -> None:
    settings = settings_of(service, file=UNITS / f"{service}.yaml")
    assert settings.data.is_relative_to("/var/lib/systemzero")
    assert seconds_to_stop(settings) <= float(unit["TimeoutStopSec"])
    assert unit["Type"] == "exec"  # nothing here tells systemd that it is ready


def test_services_on_one_machine_do_not_want_each_others_ports() -> None:
    found = [
        settings_of(name, file=UNITS / f"{name}.yaml") for name in ("gateway", "capture", "diff")
    ]
    ports = [
        address for s in found for address in (s.listen, s.health, s.ops.listen, s.ops.channelz)
    ]
    assert len(set(ports)) == len(ports)
    gateway, capture, diff = found
    assert gateway.backends == {"capture": capture.listen, "diff": diff.listen}
    assert (capture.diff, diff.capture) == (diff.listen, capture.listen)
    assert {s.trust for s in found} == {gateway.trust}


def test_only_what_reads_its_settings_again_is_told_to() -> None:
    reloading = [
        path.name for path in UNITS.rglob("*") if path.is_file() and "HUP" in path.read_text()
    ]
    assert sorted(reloading) == ["reload.conf", "systemzero.service"]


def test_the_service_runs_reloads_and_stops_as_its_unit_says(tmp_path: Path, unit: Any) -> None:
    if "%i" in unit["ExecStart"]:
        pytest.skip("the other unit starts three that need a database")
    interpreter, *arguments = unit["ExecStart"].split()
    assert interpreter == PYTHON
    config = UNITS / Path(arguments[-1]).name
    own = config.read_text().replace("/var/lib/systemzero", str(tmp_path / "data"))
    own = re.sub(r"(listen|health): .*", r"\1: 127.0.0.1:0", own)
    own += "gateway: {ops: {listen: '', channelz: ''}}\n"
    arguments[-1] = str(tmp_path / "config.yaml")
    (tmp_path / "config.yaml").write_text(own)
    process = subprocess.Popen(
        [sys.executable, "-c", CONFINED, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        assert process.stderr is not None
        assert "listening" in process.stdout.readline()
        assert unit["ExecReload"] == "/bin/kill -HUP $MAINPID"
        process.send_signal(signal.SIGHUP)
        assert any("limits.reloaded" in line for line in process.stderr)
        process.send_signal(getattr(signal, unit["KillSignal"]))
        assert process.wait(float(unit["TimeoutStopSec"])) == 0
    finally:
        process.kill()
        process.communicate()
