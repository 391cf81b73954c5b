"""What an image installs: all that its service needs, nothing else, as locked."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]


def selected(*arguments: str) -> str:
    command = [sys.executable, "scripts/select_requirements.py", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def installed_closure(name: str, extras: tuple[str, ...] = ()) -> set[str]:
    """What `name` needs here, by the metadata of what is installed."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        here, wanted = waiting.pop()
        for line in distribution(here).requires or ():
            requirement = Requirement(line)
            marker = requirement.marker
            if marker and not any(marker.evaluate({"extra": e}) for e in ("", *wanted)):
                continue
            below = re.sub(r"[-_.]+", "-", requirement.name).lower()
            if below not in found:
                waiting.append((below, tuple(requirement.extras)))
            found.add(below)
    return found


@pytest.mark.parametrize("service", ["gateway", "capture", "diff", "standalone"])
def test_the_selection_is_what_the_service_needs(service: str) -> None:
    text = selected(f"systemzero-{service}")
    locked = set(re.findall(r"^([a-z0-9.-]+)==", text, re.MULTILINE))
    elsewhere = {"async-timeout"}  # for other versions of Python
    needed = {n for n in installed_closure(f"systemzero-{service}") if "systemzero" not in n}
    assert locked - elsewhere == needed - elsewhere
    own = {
        folder.rpartition("/")[2]
        for folder in selected("--folders", f"systemzero-{service}").split()
    }
    assert service in own
    assert ("gateway" in own) is (service in {"gateway", "standalone"})


def test_every_line_is_the_locks_own_with_its_hashes() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    for entry in re.split(r"(?m)^(?=[a-z0-9])", selected("systemzero-standalone"))[1:]:
        assert entry in lock
        assert "--hash=sha256:" in entry


def test_what_is_not_locked_is_refused() -> None:
    command = [sys.executable, "scripts/select_requirements.py", "no-such-thing"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no-such-thing" in done.stderr
