"""Whether a tag may be made of what is checked out: `make release-check TAG=vX.Y.Z`.

The tag is the version with a `v` before it, and the changelog's newest section is that version's,
with the day on which it is released.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).resolve().parent.parent
_SECTION = re.compile(r"^## \[(?P<version>[^]]+)\] - (?P<day>.+)$", re.MULTILINE)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def problems(tag: str, root: Path) -> list[str]:
    """What stands against tagging `root` with `tag`; a sentence each."""
    version = (root / "VERSION").read_text().strip()
    found = (
        [] if _is_normal(version) else [f"VERSION is {version}, which is no version's normal form"]
    )
    if tag != f"v{version}":
        found.append(f"the tag is {tag or 'not given'}, VERSION says v{version}")
    newest = _SECTION.search((root / "CHANGELOG.md").read_text())
    if newest is None or newest["version"] != version:
        found.append(f"the changelog's newest section is not that of {version}")
    elif not _DAY.fullmatch(newest["day"]):
        found.append(f"the changelog calls {version} {newest['day']}: write the day, as 2030-12-31")
    return found


def _is_normal(version: str) -> bool:
    try:
        return str(Version(version)) == version
    except InvalidVersion:
        return False


if __name__ == "__main__":
    told = problems(sys.argv[1], ROOT)
    print("\n".join(told) or f"{sys.argv[1]} may be made")
    raise SystemExit(bool(told))
