"""The standalone service as a process of its own, with a folder of its own, on a free port."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.demo.steps import Unexpected

_GRACE_SECONDS = 15


@dataclass(frozen=True)
class Server:
    """A running service.

    Attributes:
        target: where it listens.
        admin_key: the first admin's API key, from the file that the service wrote it to.
    """

    target: str
    admin_key: str

    @classmethod
    @contextmanager
    def start(cls, folder: Path) -> Iterator[Server]:
        """Run the service with its state below `folder`; stopped as Ctrl-C would at the end.

        Raises:
            Unexpected: it does not start, or does not stop cleanly.
        """
        log = folder / "service.log"
        settings = {
            "SZ_STANDALONE_LISTEN": "127.0.0.1:0",
            "SZ_STANDALONE_DATA": str(folder / "data"),
            "SZ_STANDALONE_GATEWAY__OPS__LISTEN": "",
            "SZ_STANDALONE_GATEWAY__OPS__CHANNELZ": "",
        }
        with log.open("wb") as stderr:
            process = subprocess.Popen(
                [sys.executable, "-m", "systemzero_standalone"],
                env={**_without_own_settings(), **settings},
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
            )
        with process:
            try:
                yield cls(*_announced(process, log))
            finally:
                status = _stop(process)
        if status:
            raise Unexpected(f"the service ended with status {status}; see {log}")


def _without_own_settings() -> dict[str, str]:
    """The environment without settings that are meant for the user's own service."""
    return {k: v for k, v in os.environ.items() if not k.startswith("SZ_STANDALONE_")}


def _announced(process: subprocess.Popen[str], log: Path) -> tuple[str, str]:
    """Where the process says that it listens, and the key in the file that it names."""
    target = key_file = ""
    for line in process.stdout or ():
        if line.startswith("listening on "):
            target = line.removeprefix("listening on ").strip()
        if line.startswith("first admin key in "):
            key_file = line.removeprefix("first admin key in ").strip()
        if target and key_file:
            return target, Path(key_file).read_text().strip()
    raise Unexpected(f"the service did not start; see {log}")


def _stop(process: subprocess.Popen[str]) -> int:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        return process.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()
