"""Several processes of each service, as production has them, restarted one after the other."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scripts.run_split import environments, free_port
from tests.support.patience import PATIENCE
from tests.support.platform import GENEROUS
from tests.support.replica import several

SERVICES = ("diff", "capture", "gateway")
"""In the order in which they are started."""
RECONNECT_SECONDS = 2.0
"""In which every caller that lost a replica has it back: each tries once a second. A rolling update
leaves them that time by the `preStop` of the next pod."""


class Replicas:
    """`count` processes of each service over one PostgreSQL and one Valkey."""

    def __init__(self, data: Path, count: int, database: Path, limits: str) -> None:
        """`database` is a file with a URL, `limits` the URL of the limits' store."""
        self._data = data
        self._ports = {name: [free_port() for _ in range(count)] for name in SERVICES}
        self._base = environments("", data)
        self._shared = self._settings(database, limits)
        self._running: dict[str, subprocess.Popen[str]] = {}
        data.mkdir(parents=True, exist_ok=True)

    @property
    def names(self) -> list[str]:
        """Every replica, as `capture-1`."""
        return [f"{service}-{n}" for service in SERVICES for n in range(len(self._ports[service]))]

    @property
    def target(self) -> str:
        """All gateways."""
        return several(*self._ports["gateway"])

    def key(self, name: str) -> str:
        """An API key that the first start made: `admin` or `platform`."""
        return (self._data / "gateway" / f"{name}.key").read_text().strip()

    def start(self, name: str) -> None:
        """Start one; returns when it listens."""
        service, _, number = name.partition("-")
        listen = f"127.0.0.1:{self._ports[service][int(number)]}"
        with self._log(name).open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"systemzero_{service}"],
                env={
                    **self._base[service],
                    **self._shared[service],
                    f"SZ_{service.upper()}_LISTEN": listen,
                },
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._running[name] = process
        assert process.stdout is not None
        assert "listening on" in process.stdout.readline(), self._log(name).read_text()[-2_000:]

    def restart(self, name: str, number: signal.Signals) -> None:
        """End one by a signal, start it again, and wait until it takes calls again.

        As a rolling update does: one that drains must end by itself, and well; and the next one's
        turn comes when this one is back in the callers' rounds.
        """
        process = self._running[name]
        process.send_signal(number)
        status = process.wait(PATIENCE)
        assert number is not signal.SIGTERM or status == 0, f"{name} ended with status {status}"
        process.communicate()
        before = self._calls(name)
        self.start(name)
        give_up = time.monotonic() + PATIENCE
        while self._calls(name) == before:
            assert time.monotonic() < give_up, f"{name} is back, and nobody calls it"
            time.sleep(0.1)
        time.sleep(RECONNECT_SECONDS)  # that was one of its callers

    def end(self) -> None:
        for process in self._running.values():
            process.kill()
            process.communicate()

    def _calls(self, name: str) -> int:
        return self._log(name).read_bytes().count(b'"rpc_method"')

    def _log(self, name: str) -> Path:
        return self._data / f"{name}.log"

    def _settings(self, database: Path, limits: str) -> dict[str, dict[str, str]]:
        capture, diff = (several(*self._ports[name]) for name in ("capture", "diff"))
        own = {
            "diff": {"CAPTURE": capture},
            "capture": {"DIFF": diff},
            "gateway": {
                "BACKENDS": json.dumps({"capture": capture, "diff": diff}),
                "LIMITS__STORE": limits,
                "LIMITS__STORE_TIMEOUT": "5",
                "LIMITS__TENANT": GENEROUS,
                "LIMITS__PRINCIPAL": GENEROUS,
            },
        }
        every = {"DATABASE__URL_FILE": str(database), "OPS__LISTEN": "", "OPS__CHANNELZ": ""}
        return {
            service: {f"SZ_{service.upper()}_{key}": v for key, v in {**every, **settings}.items()}
            for service, settings in own.items()
        }


@contextmanager
def replicas(data: Path, count: int, database: Path, limits: str) -> Iterator[Replicas]:
    """All of them, running."""
    made = Replicas(data, count, database, limits)
    try:
        for name in made.names:
            made.start(name)
        yield made
    finally:
        made.end()
