"""Our own code under bandit.

Ruff's S rules are bandit's, ported, with its numbers (S608 is B608), and lint has them on: they
tell while one writes. Bandit is the original, with the checks that ruff has not taken over and its
own reading of values. One waiver does for both: `# noqa: S608 - why`; where ruff finds nothing to
waive, `# nosec B608 - why`. A waiver without a reason is a finding.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

_WAIVER = re.compile(r"#\s*(?:noqa:|nosec)\s*(?P<rules>[A-Z]\d+(?:,\s*[A-Z]\d+)*)(?P<reason>.*)")
_SECURITY = re.compile(r"\b[SB](\d{3})\b")


def weaknesses(folders: Sequence[Path]) -> list[str]:
    """One line for each finding that no waiver with a reason covers.

    Raises:
        RuntimeError: bandit could not read a file.
    """
    told = _bandit(folders)
    if told["errors"]:
        raise RuntimeError(f"bandit: {told['errors']}")
    unwaived = [_line(one) for one in told["results"] if not _waived(one)]
    return unwaived + [line for folder in folders for line in _without_reason(folder)]


def _bandit(folders: Sequence[Path]) -> dict[str, Any]:
    command = [sys.executable, "-m", "bandit", "--quiet", "--format", "json", "--recursive"]
    ran = subprocess.run([*command, *folders], capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 1):
        raise RuntimeError(f"bandit: {ran.stderr}")
    told: dict[str, Any] = json.loads(ran.stdout)
    return told


def _line(found: dict[str, Any]) -> str:
    where = f"{found['filename']}:{found['line_number']}"
    return f"{where}: {found['test_id']} {found['issue_text']} ({found['issue_severity'].lower()})"


def _waived(found: dict[str, Any]) -> bool:
    """Whether a line of the finding waives its number."""
    lines = Path(found["filename"]).read_text().splitlines()
    number = found["test_id"].removeprefix("B")
    return any(number in _waives(lines[at - 1]) for at in found["line_range"])


def _waives(line: str) -> set[str]:
    waiver = _WAIVER.search(line)
    return set(_SECURITY.findall(waiver["rules"])) if waiver else set()


def _without_reason(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*.py")):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            waiver = _WAIVER.search(line)
            if waiver and _SECURITY.search(waiver["rules"]) and not waiver["reason"].strip(" -"):
                yield f"{path}:{number}: waives {waiver['rules']} without a reason"
