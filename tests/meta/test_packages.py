"""The wheels, as somebody installs them who has no checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
VERSION = (ROOT / "VERSION").read_text().strip()
CLIENT = {
    "systemzero": "protos",
    "systemzero_core": "libs/core",
    "systemzero_client": "libs/client",
}


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages that a client needs, built as `make dist` builds them."""
    folder = tmp_path_factory.mktemp("dist")
    for package in CLIENT.values():
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel"]
        told = run([*command, "--directory", str(folder)], cwd=ROOT / package)
        assert told.returncode == 0, told.stderr
    return folder


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)  # type: ignore[call-overload, no-any-return]


def test_each_says_what_it_is_and_under_which_licence(wheels: Path) -> None:
    assert {path.name for path in wheels.iterdir()} == {
        f"{name}-{VERSION}-py3-none-any.whl" for name in CLIENT
    }
    for name in CLIENT:
        with zipfile.ZipFile(wheels / f"{name}-{VERSION}-py3-none-any.whl") as wheel:
            information = f"{name}-{VERSION}.dist-info"
            metadata = wheel.read(f"{information}/METADATA").decode()
            assert "License-Expression: Apache-2.0" in metadata
            assert f"# {name.replace('_', '-')}\n" in metadata
            assert b"Apache License" in wheel.read(f"{information}/licenses/LICENSE")
            assert f"{name}/py.typed" in wheel.namelist()


def test_the_command_line_runs_from_them_alone(wheels: Path, tmp_path: Path) -> None:
    """Of this project, nothing but the three: an editable install is not even on the path."""
    site = tmp_path / "site"
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    told = run([*install, "--target", str(site), *map(str, wheels.iterdir())])
    assert told.returncode == 0, told.stderr
    program = (
        "import sys, systemzero_client, systemzero_core, systemzero.capture.v1.capture_pb2\n"
        "assert systemzero_client.__file__.startswith(sys.argv[1]), systemzero_client.__file__\n"
        "assert systemzero_core.__file__.startswith(sys.argv[1]), systemzero_core.__file__\n"
        "from systemzero_client.cli import main\n"
        "raise SystemExit(main(['--version']))\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(site)}
    told = run([sys.executable, "-c", program, str(site)], cwd=tmp_path, env=environment)
    assert (told.returncode, told.stdout) == (0, f"sz, version {VERSION}\n"), told.stderr
