"""Other interpreters of this machine, each with what the domain needs, as locked."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
OLDEST = "/usr/bin/python3.11"
"""Debian's: of the oldest release that is supported, at an early patch release."""
NAMES = (OLDEST, "python3.11", "python3.12", "python3.13", "python3.14")

_UV = ROOT / ".uv" / "bin" / "uv"
_FOLDER = ROOT / "build" / "interpreters"


class Missing(Exception):
    """There is no such interpreter here, or it has no environment; the text says why."""


def found(name: str) -> Path:
    """The interpreter called `name`: where it is absolute, on PATH, or among pyenv's.

    Raises:
        Missing: there is none that runs.
    """
    for path in (shutil.which(name), *_of_pyenv(name)):
        if path and _version(str(path)).startswith(name.rpartition("python")[2]):
            return Path(path)
    raise Missing(f"no {name} here")


def with_domain(name: str) -> Path:
    """The interpreter called `name` in an environment that holds the domain's dependencies.

    Raises:
        Missing: there is no such interpreter, or what it needs cannot be installed.
    """
    interpreter = found(name)
    wanted = _locked()
    key = hashlib.sha256(f"{interpreter} {_version(str(interpreter))} {wanted}".encode())
    folder = _FOLDER / key.hexdigest()[:16]
    if not folder.exists():
        _make(interpreter, wanted, folder)
    return folder / "bin" / "python"


def _of_pyenv(name: str) -> list[Path]:
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    release = name.removeprefix("python")
    return sorted(root.glob(f"versions/{release}.*/bin/{name}")) if release[:1].isdigit() else []


@cache
def _version(interpreter: str) -> str:
    command = [interpreter, "-c", "import sys; print(sys.version)"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@cache
def _locked() -> str:
    command = [sys.executable, str(ROOT / "scripts" / "select_requirements.py"), "systemzero-core"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _make(interpreter: Path, wanted: str, folder: Path) -> None:
    """An environment that is there whole or not at all, whoever else makes it meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        made = Path(temporary) / "made"
        lock = Path(temporary) / "requirements.txt"
        lock.write_text(wanted)
        _uv("venv", "--relocatable", "--python", str(interpreter), str(made))
        _uv("pip", "sync", "--require-hashes", "--python", f"{made}/bin/python", str(lock))
        if not folder.exists():
            made.replace(folder)


def _uv(*arguments: str) -> None:
    command = [str(_UV), *arguments, "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"uv {' '.join(arguments[:2])} failed: {done.stderr.strip()[-300:]}")
