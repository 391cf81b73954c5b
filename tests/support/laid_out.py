"""The services as a deployment starts them, as processes here: its files, its settings."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from scripts.run_split import free_port
from systemzero_runtime.probe import ask
from tests.support.manifests import here, inherited
from tests.support.patience import PATIENCE

ORDER = ("diff", "capture", "gateway")
_PORTS = {"gateway": 50051, "capture": 50052, "diff": 50053}


class Addresses:
    """Where each service listens here, in the place of its address in the deployment."""

    def __init__(self, more: Mapping[str, str]) -> None:
        """`more` are other names in settings, and what they are here."""
        self._ports = {name: free_port() for name in ORDER}
        self._more = more
        self.health = {name: f"127.0.0.1:{free_port()}" for name in ORDER}

    @property
    def gateway(self) -> str:
        """Where clients call."""
        return f"localhost:{self._ports['gateway']}"

    def of(self, name: str) -> dict[str, str]:
        """What is to be replaced in the settings of a service."""
        others = {
            f"dns:///{other}:{port}": f"dns:///localhost:{self._ports[other]}"
            for other, port in _PORTS.items()
        }
        own = {
            f"0.0.0.0:{_PORTS[name]}": f"127.0.0.1:{self._ports[name]}",
            "0.0.0.0:9466": self.health[name],
            "127.0.0.1:9466": self.health[name],
            "0.0.0.0:9464": "127.0.0.1:0",
        }
        return {**others, **own, **self._more}

    def backend(self, name: str) -> str:
        """Where a backend listens."""
        return f"localhost:{self._ports[name]}"


def run_once(arguments: Sequence[str]) -> str:
    """What a module of ours prints that runs to its end, such as a migration."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, env=inherited(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def serving(
    settings: Mapping[str, Mapping[str, str]],
    places: Mapping[str, Mapping[str, Path]],
    addresses: Addresses,
    logs: Path,
    grace: float,
) -> Iterator[None]:
    """All three, each with its `settings` and files; they stop within `grace` seconds, with 0."""
    running: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in ORDER:
            own = {
                key: here(value, places[name], addresses.of(name))
                for key, value in settings[name].items()
            }
            with (logs / f"{name}.log").open("wb") as log:
                running[name] = subprocess.Popen(
                    [sys.executable, "-m", f"systemzero_{name}"],
                    env={**inherited(), **own},
                    stdout=log,
                    stderr=log,
                )
        for name, process in running.items():
            _until_alive(addresses.health[name], process, logs / f"{name}.log")
        yield
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        assert {name: p.wait(grace) for name, p in running.items()} == dict.fromkeys(ORDER, 0)
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def _until_alive(address: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """As a startup probe: ask until there is an answer."""
    give_up = time.monotonic() + PATIENCE
    while ask(address, "liveness", PATIENCE) != "SERVING":
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up, log.read_text()
