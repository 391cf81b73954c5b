"""What a fresh `sz` process imports, told by the interpreter itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.support.patience import PATIENCE

SZ = Path(sys.executable).with_name("sz")
_LINE = re.compile(r"^import time: .*\|\s+(\S.*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Start:
    """One run: its exit status, what it said, and every module that it imported."""

    status: int
    out: str
    err: str
    modules: frozenset[str]

    def loaded(self, *names: str) -> set[str]:
        """Those of the packages `names` of which anything was imported."""
        return loaded(self.modules, *names)


def loaded(modules: Iterable[str], *names: str) -> set[str]:
    """Those of the packages `names` of which anything is among `modules`."""
    return {name for name in names for module in modules if f"{module}.".startswith(f"{name}.")}


def start(*arguments: object, home: Path) -> Start:
    """Run the installed `sz` with a home of its own."""
    homes = {"HOME": "", "XDG_CONFIG_HOME": "config", "XDG_STATE_HOME": "state"}
    environment = {name: value for name, value in os.environ.items() if "COV" not in name}
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", str(SZ), *map(str, arguments)],
        env=environment | {name: str(home / folder) for name, folder in homes.items()},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    said = _LINE.sub("", ran.stderr).strip()
    return Start(ran.returncode, ran.stdout, said, frozenset(_LINE.findall(ran.stderr)))


def modules_after(runs: list[tuple[str, ...]]) -> list[tuple[int, frozenset[str]]]:
    """Of each of `runs`, one after the other in one fresh process: its status, all modules then."""
    ran = subprocess.run(
        [sys.executable, "-c", _EACH],
        input=json.dumps(runs),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    return [
        (status, frozenset(modules)) for status, modules in json.loads(ran.stderr.splitlines()[-1])
    ]


_EACH = """
import sys
from systemzero_client.cli import main
import json
runs = json.load(sys.stdin)
kept = [[main(run), list(sys.modules)] for run in runs]
json.dump(kept, sys.stderr)
"""
