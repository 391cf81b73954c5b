"""The part of requirements.lock that some distributions need, with its hashes.

Usage: python scripts/select_requirements.py [--folders] DISTRIBUTION…

requirements.lock holds what everything needs, tests too; an image installs what its service needs
and nothing else, at the same versions, by the same hashes. What needs what stands in the lock's own
`# via` comments, and for the workspace's distributions in their pyproject.toml. With `--folders`,
print where those of the workspace are instead, dependencies first.

It runs where nothing is installed yet: the standard library is all it uses.
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements.lock"

_PIN = re.compile(r"^([a-z0-9][a-z0-9.-]*)==", re.MULTILINE)
_VIA = re.compile(r"^ +#(?: via)? +([a-z0-9][a-z0-9.-]*)", re.MULTILINE)


def main() -> int:
    """Print what was asked for; the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("distributions", nargs="+", help="such as systemzero-gateway, or hatchling")
    parser.add_argument("--folders", action="store_true", help="print the workspace's folders")
    arguments = parser.parse_args()
    own = workspace(ROOT)
    wanted = needed(arguments.distributions, own)
    if arguments.folders:
        sys.stdout.write("".join(f"./{own[name].folder}\n" for name in wanted if name in own))
    else:
        sys.stdout.write("".join(selected(LOCK.read_text(), wanted, own)))
    return 0


class Distribution:
    """One of the workspace: its folder, and the names of what it depends on."""

    def __init__(self, root: Path, file: Path) -> None:
        project = tomllib.loads(file.read_text())["project"]
        self.name: str = project["name"]
        self.folder = file.parent.relative_to(root)
        self.dependencies = [_name(line) for line in project.get("dependencies", ())]


def workspace(root: Path) -> dict[str, Distribution]:
    """The workspace's distributions by name."""
    patterns = ("protos", "libs/*", "services/*")
    files = [file for pattern in patterns for file in root.glob(f"{pattern}/pyproject.toml")]
    found = (Distribution(root, file) for file in sorted(files))
    return {distribution.name: distribution for distribution in found}


def needed(names: Iterable[str], own: Mapping[str, Distribution]) -> list[str]:
    """`names` and what those of the workspace among them stand on, dependencies first."""
    found: list[str] = []
    for name in names:
        parts = own[name].dependencies if name in own else []
        below = needed([part for part in parts if part in own], own)
        found += [one for one in (*below, name) if one not in found]
    return found


def selected(lock: str, wanted: Iterable[str], own: Mapping[str, Distribution]) -> list[str]:
    """The lock's entries of what is `wanted`, and of all that is there because of it."""
    entries = {m[1]: entry for entry in _entries(lock) if (m := _PIN.match(entry))}
    kept = {name for name in wanted if name not in own}
    if missing := kept - set(entries):
        raise SystemExit(f"neither in the workspace nor locked: {', '.join(sorted(missing))}")
    for name in wanted:
        kept |= set(own[name].dependencies) & set(entries) if name in own else set()
    while more := {n for n, e in entries.items() if n not in kept and kept & set(_VIA.findall(e))}:
        kept |= more
    return [entry for name, entry in entries.items() if name in kept]


def _entries(lock: str) -> list[str]:
    return re.split(r"(?m)^(?=[a-z0-9])", lock.partition("\n# ")[0] + "\n")[1:]


def _name(requirement: str) -> str:
    return re.split(r"[^\w.-]", requirement)[0].lower().replace("_", "-")


if __name__ == "__main__":
    sys.exit(main())
