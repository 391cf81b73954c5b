"""Mutation testing: do the tests notice when the engine is wrong?

    python -m scripts.mutation PACKAGE [--mutants N] [--seed N] [--seconds N]

mutmut changes one thing at a time in `systemzero_core/PACKAGE` and runs the fast unit tests that
reach it. All mutants would take hours, so a seeded sample is drawn. mutmut is installed on demand
under `build/mutation`, by hash; it works on a copy, where packages lie as they are imported. It
prints one JSON line, and what changed in each survivor on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
HOME = ROOT / "build" / "mutation"
PACKAGES = ("diff", "match")

SURVIVED, NO_TESTS = 0, 33
"""mutmut's exit codes; others are timeouts and crashes, which are noticed, too."""

# Hypothesis draws few examples, always the same: a mutant's fate is no matter of luck.
_CONFTEST = """
from hypothesis import settings

settings.register_profile("few", max_examples=15, deadline=None, derandomize=True, database=None)
settings.load_profile("few")
"""

_CONFIG = """
[tool.mutmut]
source_paths = ["systemzero_core"]
only_mutate = ["systemzero_core/{package}/*.py"]
also_copy = ["benchmarks"]
pytest_add_cli_args_test_selection = {tests}

[tool.pytest.ini_options]
addopts = "-q -p no:cacheprovider --import-mode=importlib -k 'not hash_seed and not thread'"
asyncio_mode = "auto"
pythonpath = ["."]
"""


def install() -> None:
    """Install mutmut where it is missing or locked otherwise."""
    lock, known = HERE / "requirements.lock", HOME / "requirements.lock"
    if not known.exists() or known.read_bytes() != lock.read_bytes():
        subprocess.run((sys.executable, "-m", "venv", "--clear", HOME / "venv"), check=True)
        pip = (HOME / "venv/bin/python", "-m", "pip", "--quiet", "--disable-pip-version-check")
        subprocess.run((*pip, "install", "--require-hashes", "-r", lock), check=True, stdout=2)
        shutil.copy(lock, known)


def stage(package: str) -> Path:
    """A copy of the core and of its fast tests, for mutmut to work on."""
    work = HOME / package
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    shutil.copytree(ROOT / "libs/core/systemzero_core", work / "systemzero_core")
    shutil.copytree(ROOT / "benchmarks", work / "benchmarks")
    shutil.copytree(ROOT / "tests/support", work / "tests/support")
    shutil.copytree(ROOT / "tests/unit/core", work / "tests/unit/core")
    (work / "tests/data").symlink_to(ROOT / "tests/data")
    for folder in ("tests", "tests/unit"):
        shutil.copy(ROOT / folder / "__init__.py", work / folder)
    (work / "tests/conftest.py").write_text(_CONFTEST)
    names = json.dumps([f"tests/unit/core/{package}"])
    (work / "pyproject.toml").write_text(_CONFIG.format(package=package, tests=names))
    return work


def fates(work: Path, package: str) -> dict[str, int | None]:
    """Each mutant's exit code, None where it was not run."""
    found: dict[str, int | None] = {}
    for meta in sorted((work / "mutants/systemzero_core" / package).glob("*.meta")):
        found |= json.loads(meta.read_text())["exit_code_by_key"]
    return found


def mutmut(work: Path, *arguments: str, seconds: float | None = None) -> None:
    """Run mutmut in `work`, with this environment's libraries and its own; all output on stderr.

    Raises:
        subprocess.TimeoutExpired: it took longer than `seconds`.
    """
    libraries = os.pathsep.join((sysconfig.get_path("purelib"), str(ROOT / "protos/gen")))
    subprocess.run(
        (HOME / "venv/bin/mutmut", *arguments),
        cwd=work,
        env=os.environ | {"PYTHONPATH": libraries},
        stdout=2,
        timeout=seconds,
        check=False,
    )


def main() -> int:
    """Sample, run, print the score."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("package", choices=PACKAGES)
    parser.add_argument("--mutants", type=int, default=150, help="at most so many")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--seconds", type=float, default=900, help="at most so long")
    arguments = parser.parse_args()
    install()
    work = stage(arguments.package)
    # A name that none has: makes all mutants, and learns which test reaches which.
    mutmut(work, "run", "none*")
    names = sorted(fates(work, arguments.package))
    sample = random.Random(arguments.seed).sample(names, min(arguments.mutants, len(names)))  # noqa: S311
    try:
        mutmut(work, "run", "--max-children", "2", *sample, seconds=arguments.seconds)
    except subprocess.TimeoutExpired:
        print("out of time: the score is of those that were run", file=sys.stderr)
    codes = {name: code for name, code in fates(work, arguments.package).items() if name in sample}
    ran = {name: code for name, code in codes.items() if code is not None}
    alive = sorted(name for name, code in ran.items() if code in (SURVIVED, NO_TESTS))
    for name in alive:
        mutmut(work, "show", name)
    figures = {"package": arguments.package, "mutants": len(names), "run": len(ran)}
    figures |= {"killed": len(ran) - len(alive), "survived": len(alive)}
    print(json.dumps({**figures, "score": round(1 - len(alive) / max(1, len(ran)), 4)}))
    return 0 if ran else 1


if __name__ == "__main__":
    sys.exit(main())
