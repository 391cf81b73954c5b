"""Every command block of the README, executed as it stands against a running platform.

The one thing that is rewritten is the address, since the port that it names may be taken. `make` is
asked whether it would know what to do (`-n`): its targets have tests of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.platform import Platform, running

ROOT = Path(__file__).parent.parent.parent
ADDRESS = "127.0.0.1:50051"
DEFAULT_LIMITS = dict.fromkeys(
    ("LIMITS__TENANT", "LIMITS__PRINCIPAL"), "{per_minute: 60, burst: 40}"
)
PREAMBLE = 'make() { command make -C "$ROOT" -n "$@" >/dev/null; }'


def blocks(language: str) -> list[str]:
    text = (ROOT / "README.md").read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Platform]]:
    """A folder that looks like a checkout in which `make run` runs, and its platform."""
    folder = tmp_path_factory.mktemp("checkout")
    with running("standalone", folder / "data", DEFAULT_LIMITS) as platform:
        (folder / "tests").symlink_to(ROOT / "tests")
        (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)
        yield folder, platform


def execute(
    command: list[str], code: str, checkout: tuple[Path, Platform]
) -> subprocess.CompletedProcess[str]:
    folder, platform = checkout
    told = subprocess.run(
        command,
        input=code.replace(ADDRESS, platform.target),
        cwd=folder,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(("SYSTEMZERO_", "XDG_"))},
            "HOME": str(folder),
            "ROOT": str(ROOT),
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
    return told


def test_the_shell_blocks_work_one_after_another(checkout: tuple[Path, Platform]) -> None:
    script = "\n".join(["set -euxo pipefail", PREAMBLE, *blocks("sh")])
    told = execute(["bash"], script, checkout).stdout
    for word in ("UNCHANGED", "DRIFT", "INCONCLUSIVE", "systemzero.log.v1.LogService"):
        assert word in told, told


def test_the_python_block_works(checkout: tuple[Path, Platform]) -> None:
    (code,) = blocks("python")
    told = execute([sys.executable, "-W", "error", "-"], code, checkout).stdout
    assert "VERDICT_KIND_DRIFT" in told
    assert "\n- " in told


def test_every_block_is_of_a_kind_that_is_checked() -> None:
    languages = re.findall(r"^```(\w*)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert {language for language in languages if language} == {"sh", "python", "mermaid"}
    assert len(languages) == 2 * sum(bool(language) for language in languages)
