"""Blocks of a document, executed as they stand against a running platform.

The one thing that is rewritten is the address, since the port that it names may be taken. `make` is
asked whether it would know what to do (`-n`): its targets have tests of their own.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.support.patience import PATIENCE
from tests.support.platform import Platform, running

ROOT = Path(__file__).parent.parent.parent
ADDRESS = "127.0.0.1:50051"
DEFAULT_LIMITS = dict.fromkeys(
    ("LIMITS__TENANT", "LIMITS__PRINCIPAL"), "{per_minute: 60, burst: 40}"
)
PREAMBLE = 'set -euxo pipefail\nmake() { command make -C "$ROOT" -n "$@" >/dev/null; }\n'


def languages(document: str) -> list[str]:
    """The languages of a document's blocks, with an empty one for the end of each."""
    return re.findall(r"^```(\w*)$", (ROOT / document).read_text(), re.MULTILINE)


def blocks(document: str, language: str) -> list[str]:
    """The document's blocks of one language, in order."""
    text = (ROOT / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


class Checkout(NamedTuple):
    """A folder that looks like a checkout in which `make run` runs, and what runs."""

    folder: Path
    platform: Platform

    def run(self, command: list[str], code: str, **environment: str) -> str:
        """What `command` says, given `code` on its standard input; it must end well."""
        told = subprocess.run(
            command,
            input=code.replace(ADDRESS, self.platform.target),
            cwd=self.folder,
            env={**_plain(os.environ), "HOME": str(self.folder), "ROOT": str(ROOT), **environment},
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert told.returncode == 0, f"{told.stdout}\n{told.stderr}"
        return told.stdout

    def shell(self, document: str) -> str:
        """What the document's shell blocks say, one after another in one shell."""
        return self.run(["bash"], PREAMBLE + "\n".join(blocks(document, "sh")))

    def python(self, code: str) -> str:
        """What a program says; a warning ends it."""
        return self.run([sys.executable, "-W", "error", "-"], code)


def link(folder: Path) -> None:
    """Make `folder` look like a checkout: what the documents name of it is there."""
    for name in ("tests", "protos", "examples", "docs"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(Path(sys.executable).parent.parent)


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what belongs to somebody's own `sz`."""
    return {k: v for k, v in environment.items() if not k.startswith(("SYSTEMZERO_", "XDG_"))}


@contextmanager
def checkout(folder: Path, settings: Mapping[str, str] = DEFAULT_LIMITS) -> Iterator[Checkout]:
    """A checkout in `folder`, with the limits that a user meets."""
    with running("standalone", folder / "data", settings) as platform:
        link(folder)
        yield Checkout(folder, platform)
