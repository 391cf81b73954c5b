"""Record the web captures under tests/data/captures anew, or those of one application.

Needs Chromium and, for the applications themselves, npm and PyPI. See tests/data/README.md.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import tempfile
from pathlib import Path

from scripts.recording import django_admin, swagger_ui
from scripts.recording.files import save
from scripts.recording.labels import label

CAPTURES = Path(__file__).parent.parent / "tests" / "data" / "captures"
APPS = {module.APP: module for module in (swagger_ui, django_admin)}


def main() -> None:
    """Parse the command line and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("apps", nargs="*", metavar="APP", help=f"all by default: {', '.join(APPS)}")
    parser.add_argument("--into", type=Path, default=CAPTURES, help="folder (default: %(default)s)")
    options = parser.parse_args()
    if unknown := set(options.apps) - set(APPS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    written = sum(record_app(name, options.into) for name in options.apps or APPS)
    label(options.into)
    print(f"{written / 1e6:.2f} MB written to {options.into}", file=sys.stderr)


def record_app(name: str, into: Path) -> int:
    """Record every screen of every release of one application; returns bytes written."""
    module, written = APPS[name], 0
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    for version in module.VERSIONS:
        with tempfile.TemporaryDirectory(prefix="systemzero-record-") as workdir:
            for take in module.takes(version, Path(workdir)):
                meta = {"app": name, "version": version, "state": take.state, "note": take.note}
                meta |= {"package": f"{module.PACKAGE}=={version}", "licence": module.LICENCE}
                meta |= {"recorded": today}
                stem = f"{version}__{take.state}"
                written += save(into / name, stem, take.recording, meta)
                print(f"{name} {stem}: {take.recording.meta['nodes']} nodes", file=sys.stderr)
    return written


if __name__ == "__main__":
    main()
