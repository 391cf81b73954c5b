"""The Kubernetes overlays as `kubectl apply -k` would apply them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

from scripts.make_secrets import make_secrets

ROOT: Final = Path(__file__).parents[2]
OVERLAYS: Final = ("dev", "production")


def copy_of_the_tree(work: Path) -> Path:
    """deploy/k8s below `work`, with secrets made for the overlay that has them from files."""
    tree = work / "k8s"
    shutil.copytree(ROOT / "deploy" / "k8s", tree, ignore=shutil.ignore_patterns("secrets"))
    make_secrets(tree / "overlays" / "dev" / "secrets")
    return tree


def render(kustomization: Path) -> str:
    """What a kustomization makes: YAML.

    Raises:
        RuntimeError: it can't be built; the message is kubectl's.
    """
    command = ["kubectl", "kustomize", str(kustomization)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout
