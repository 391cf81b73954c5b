"""Usage: python -m scripts.audit [--code] [--strict]; status 1 for a finding (strict: a doubt).

`--code` leaves the dependencies out: what lint asks, with every change and without the network.

`AUDIT=strict` in the environment is `--strict`: dependencies that no service was asked about fail,
too. Workflows set it; on a machine that reaches no service, it would fail for ever.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from scripts.audit.code import weaknesses
from scripts.audit.dependencies import audit, services

ROOT = Path(__file__).resolve().parent.parent.parent
SHIPPED = ("libs", "services")
LOCK = "requirements.lock"


def main(arguments: list[str]) -> int:
    """Print what was found; the exit status."""
    strict = "--strict" in arguments or os.environ.get("AUDIT") == "strict"
    found = weaknesses([ROOT / folder for folder in SHIPPED])
    for line in found:
        print(line)
    print(f"bandit: {len(found)} findings in {', '.join(SHIPPED)}")
    if "--code" in arguments:
        return int(bool(found))
    told = audit(ROOT / LOCK, services(os.environ.get("AUDIT_OSV_URL", "")))
    for line in told.vulnerable:
        print(line)
    print(
        f"pip-audit: {len(told.vulnerable)} vulnerable of {told.audited} audited packages of {LOCK}"
    )
    if told.unaudited:
        _shout(told.unaudited, told.why, strict)
    return int(bool(found or told.vulnerable or (strict and told.unaudited)))


def _shout(names: tuple[str, ...], why: str, strict: bool) -> None:
    print("!" * 78)
    print(f"NOT AUDITED: {len(names)} packages, such as {', '.join(names[:3])}.")
    print(f"No vulnerability service told of them: {why}")
    print("AUDIT=strict: this fails." if strict else "AUDIT=strict would fail; here it passes.")
    print("!" * 78)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
