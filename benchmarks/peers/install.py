"""The peers, installed on demand under build/peers: pinned by hash, none of them ours to depend on.

Some are under licences that the product must not link with (diff-dom: LGPL), so nothing here is
ever imported: a peer lives in an environment of its own and runs in a process of its own.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks._report import progress

HERE = Path(__file__).parent
HOME = Path(__file__).parents[2] / "build" / "peers"

PYTHON = ("jsonpatch", "deepdiff", "xmldiff", "xmldiff_fast", "apted", "zss", "git")
NODE = ("jsondiffpatch", "fast_json_patch", "diff_dom")


def commands() -> dict[str, tuple[str, ...]]:
    """The command that starts each tool there is, ours first; installs what is missing.

    Raises:
        subprocess.CalledProcessError: an installation failed.
    """
    script = str(HERE / "worker.py")
    found = {"systemzero": (sys.executable, script)}
    python = _python()
    found |= {peer: (str(python), script) for peer in PYTHON if peer != "git" or shutil.which(peer)}
    if _node():
        found |= {peer: ("node", str(HERE / "worker.mjs")) for peer in NODE}
    return {peer: (*command, peer) for peer, command in found.items()}


def _python() -> Path:
    lock, python = HERE / "requirements.lock", HOME / "venv" / "bin" / "python"
    if not _is_fresh(lock, HOME / "venv.lock"):
        progress("installing the Python peers under build/peers")
        subprocess.run((sys.executable, "-m", "venv", "--clear", HOME / "venv"), check=True)
        pip = (python, "-m", "pip", "--quiet", "--disable-pip-version-check")
        # Some are published as sources alone; setup.py runs here and nowhere else.
        subprocess.run((*pip, "install", "--require-hashes", "-r", lock), check=True, stdout=2)
        shutil.copy(lock, HOME / "venv.lock")
    return python


def _node() -> bool:
    if not shutil.which("node") or not shutil.which("npm"):
        progress("no Node here: its peers are left out")
        return False
    lock = HERE / "package-lock.json"
    if not _is_fresh(lock, HOME / "node.lock"):
        progress("installing the JavaScript peers under build/peers")
        for name in ("package.json", "package-lock.json", ".npmrc"):
            shutil.copy(HERE / name, HOME / name)
        npm = ("npm", "ci", "--ignore-scripts", "--loglevel=error")
        subprocess.run(npm, cwd=HOME, check=True, stdout=2)
        shutil.copy(lock, HOME / "node.lock")
    return True


def _is_fresh(lock: Path, installed: Path) -> bool:
    HOME.mkdir(parents=True, exist_ok=True)
    return installed.exists() and installed.read_bytes() == lock.read_bytes()
