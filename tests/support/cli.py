"""`sz` as its users run it: a process, or its entry point in this one."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from systemzero_client.cli import main

COMMAND = [sys.executable, "-m", "systemzero_client"]


@dataclass(frozen=True)
class Ran:
    """What one run left."""

    status: int
    out: str
    err: str

    def json(self) -> list[dict[str, Any]]:
        """The objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def one(self) -> dict[str, Any]:
        """The only object on stdout."""
        [found] = self.json()
        return found


class Sz:
    """Runs `sz` with a home of its own."""

    def __init__(
        self, home: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        self.home = home
        self._monkeypatch = monkeypatch
        self._capfd = capfd
        for name, folder in (("XDG_CONFIG_HOME", "config"), ("XDG_STATE_HOME", "state")):
            monkeypatch.setenv(name, str(home / folder))
        for name in ("SYSTEMZERO_SERVER", "SYSTEMZERO_API_KEY_FILE"):
            monkeypatch.delenv(name, raising=False)

    def __call__(self, *arguments: object, stdin: bytes = b"") -> Ran:
        """Run the entry point here, which is quick."""
        self._capfd.readouterr()
        with self._monkeypatch.context() as patch:
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
            status = main([str(argument) for argument in arguments])
        out, err = self._capfd.readouterr()
        return Ran(status, out, err)

    def start(self, *arguments: object, **options: Any) -> subprocess.Popen[str]:
        """Start it as a process, which has signals and pipes."""
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [*COMMAND, *map(str, arguments)],
            env=dict(os.environ),
            **{"text": True, **pipes, **options},
        )

    @property
    def config(self) -> Path:
        """Where it keeps servers and keys."""
        return self.home / "config" / "systemzero" / "config.json"
