"""What is locked, held against a vulnerability service by pip-audit.

To pip-audit a package that its service does not know is a clean one (status 0), and a service that
does not answer is as bad as a vulnerability (status 1). So its report is read instead: what was
neither cleared nor condemned is *unaudited*.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

WAIVED: dict[str, str] = {}
"""Vulnerabilities that do not reach us, by id, each with why; empty is the wish."""


class Audit(NamedTuple):
    """What was found.

    Attributes:
        audited: how many packages a service told of.
        vulnerable: a line for each vulnerability.
        unaudited: names of the packages that no service told of.
        why: the last service's reason for that.
    """

    audited: int
    vulnerable: tuple[str, ...]
    unaudited: tuple[str, ...]
    why: str = ""


def services(osv_url: str) -> list[list[str]]:
    """Pip-audit's options for each service to try; with `osv_url`, that one alone."""
    if osv_url:
        return [["--vulnerability-service", "osv", "--osv-url", osv_url]]
    return [["--vulnerability-service", name] for name in ("pypi", "osv")]


def audit(lock: Path, tried: Sequence[Sequence[str]]) -> Audit:
    """What services say of the packages in `lock`; no more are asked than it takes."""
    told = Audit(0, (), ("all",), "none was asked")
    for options in tried:
        answer = _ask(lock, options)
        if len(answer.unaudited) < len(told.unaudited) or not told.audited:
            told = answer
        if not told.unaudited:
            break
    return told


def _ask(lock: Path, options: Sequence[str]) -> Audit:
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip_audit", "--requirement", str(lock)]
        command += ["--require-hashes", "--disable-pip", "--progress-spinner", "off"]
        command += ["--format", "json", "--output", str(report), *options]
        for waived in WAIVED:
            command += ["--ignore-vuln", waived]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
        if not report.is_file():
            last = (ran.stderr.strip().splitlines() or ["it said nothing"])[-1]
            return Audit(0, (), _names(lock), last)
        return _read(json.loads(report.read_text())["dependencies"])


def _read(dependencies: Sequence[dict[str, Any]]) -> Audit:
    skipped = [one for one in dependencies if "skip_reason" in one]
    return Audit(
        audited=len(dependencies) - len(skipped),
        vulnerable=tuple(
            f"{one['name']} {one['version']}: {found['id']}"
            f" (fixed in {', '.join(found['fix_versions']) or 'no version'})"
            for one in dependencies
            for found in one.get("vulns", ())
        ),
        unaudited=tuple(one["name"] for one in skipped),
        why=skipped[0]["skip_reason"] if skipped else "",
    )


def _names(lock: Path) -> tuple[str, ...]:
    lines = lock.read_text().splitlines()
    return tuple(line.partition("==")[0] for line in lines if "==" in line and line[0].isalpha())
