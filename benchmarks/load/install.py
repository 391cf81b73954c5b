"""Locust, installed on demand under build/load, by hash: no dependency of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks._report import progress

HERE = Path(__file__).parent
ROOT = Path(__file__).parents[2]
HOME = ROOT / "build" / "load"


def locust() -> Path:
    """The program; installs what is missing or locked otherwise.

    Raises:
        subprocess.CalledProcessError: the installation failed.
    """
    lock, known = HERE / "requirements.lock", HOME / "requirements.lock"
    HOME.mkdir(parents=True, exist_ok=True)
    if not known.exists() or known.read_bytes() != lock.read_bytes():
        progress("installing Locust under build/load")
        subprocess.run((sys.executable, "-m", "venv", "--clear", HOME / "venv"), check=True)
        pip = (HOME / "venv/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
        subprocess.run((*pip, "install", "--require-hashes", "-r", lock), check=True, stdout=2)
        shutil.copy(lock, known)
    return HOME / "venv" / "bin" / "locust"
