"""Check what is under deploy/ with the tools of its trade: `python -m scripts.manifests TOOLS`.

TOOLS is the folder of their programs; they are heavy, so that `make manifests` installs them on
demand, by hash, below build/manifests. The exit status is that of the worst of them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, NamedTuple

from scripts.manifests.overlays import OVERLAYS, ROOT, copy_of_the_tree, render

DOCKERFILE: Final = "deploy/docker/Dockerfile"
COMPOSE: Final = "docker-compose.yml"
_AT_A_TIME: Final = 2

WAIVED: Final = {
    "dev": {
        "CKV_K8S_14": "images are built on the machine that runs them, as they are now",
        "CKV_K8S_43": "such images have no digest; what is to last is the overlay production",
    },
    "production": {},
}
"""What checkov is not asked of an overlay, each with why. Of a single object that is said where it
stands, by an annotation."""

_COMPOSE_SPEC: Final = r"""
import json, re, sys, yaml
from compose_spec import PyCompose

defaults = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", open(sys.argv[1]).read())
PyCompose.from_json(json.dumps(yaml.safe_load(defaults))).validate()
"""
"""It knows neither merged mappings nor variables: they are merged, and have their defaults."""


class Check(NamedTuple):
    """A tool's run: what it is about, and the command."""

    about: str
    command: list[str]


def main() -> int:
    """Run all, tell how each went and how long it took; 1 where one found something."""
    with tempfile.TemporaryDirectory() as work, ThreadPoolExecutor(_AT_A_TIME) as pool:
        statuses = list(pool.map(_run, checks(Path(sys.argv[1]), Path(work))))
    return max(statuses)


def _run(check: Check) -> int:
    started = time.monotonic()
    done = subprocess.run(
        check.command, cwd=ROOT, capture_output=True, text=True, check=False, env=_quiet()
    )
    seconds = time.monotonic() - started
    said = "clean" if done.returncode == 0 else done.stdout + done.stderr
    print(f"{check.about}: {said} ({seconds:.0f} s)")
    return int(done.returncode != 0)


def checks(tools: Path, work: Path) -> Iterator[Check]:
    """Every check there is."""
    python = str(tools / "python")
    yield Check("Dockerfile, checkov", _checkov(tools, "dockerfile", DOCKERFILE))
    yield Check("Dockerfile, hadolint", [str(tools / "hadolint"), DOCKERFILE])
    yield Check("Compose, the specification", [python, "-c", _COMPOSE_SPEC, COMPOSE])
    yield Check("Compose, compose-lint", [str(tools / "compose-lint"), COMPOSE])
    tree = copy_of_the_tree(work)
    for overlay in OVERLAYS:
        rendered = work / f"{overlay}.yaml"
        rendered.write_text(render(tree / "overlays" / overlay))
        validate = [str(tools / "kubernetes-validate"), "--strict", str(rendered)]
        yield Check(f"{overlay}, kubernetes-validate", validate)
        waived = [f"--skip-check={','.join(WAIVED[overlay])}"] if WAIVED[overlay] else []
        checkov = _checkov(tools, "kubernetes", str(rendered))
        yield Check(f"{overlay}, checkov", [*checkov, *waived])


def _checkov(tools: Path, framework: str, file: str) -> list[str]:
    quiet = ["--skip-download", "--compact", "--quiet"]
    return [str(tools / "checkov"), *quiet, "--framework", framework, "--file", file]


def _quiet() -> dict[str, str]:
    return {**os.environ, "LOG_LEVEL": "ERROR"}


if __name__ == "__main__":
    sys.exit(main())
