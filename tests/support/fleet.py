"""The services as processes that a test kills and starts again, one by one, under load."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import grpc

from scripts.run_split import environments
from tests.support.exposed import Outcome, attempt, bearer
from tests.support.patience import PATIENCE


class Fleet:
    """Processes over `data`, by name: `capture`, `diff`, `gateway` and any further gateway."""

    def __init__(self, data: Path, gateway: Mapping[str, str]) -> None:
        """`gateway` are settings of all gateways, without prefix."""
        self._data = data
        self._environments = environments("127.0.0.1:0", data)
        unasked = ("OPS__LISTEN", "OPS__CHANNELZ")
        for service, environment in self._environments.items():
            environment |= {f"SZ_{service.upper()}_{name}": "" for name in unasked}
        self._environments["gateway"] |= {f"SZ_GATEWAY_{name}": v for name, v in gateway.items()}
        self._running: dict[str, subprocess.Popen[str]] = {}
        data.mkdir(parents=True, exist_ok=True)

    @property
    def admin_key(self) -> str:
        return (self._data / "gateway" / "admin.key").read_text().strip()

    def start(self, name: str, service: str = "") -> str:
        """Start a process of `service`, which is called `name` from now on; where it listens."""
        service = service or name
        with (self._data / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", f"systemzero_{service}"],
                env=self._environments[service],
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self._running[name] = process
        assert process.stdout is not None
        said = process.stdout.readline()
        assert "listening on" in said, (self._data / f"{name}.log").read_text()
        return said.rpartition(" ")[2].strip()

    def kill(self, name: str) -> None:
        """Kill a process, as a crash would."""
        process = self._running.pop(name)
        process.kill()
        process.communicate()

    def end(self) -> None:
        for name in list(self._running):
            self.kill(name)


@contextmanager
def fleet(data: Path, gateway: Mapping[str, str]) -> Iterator[Fleet]:
    """A fleet, of which nothing runs yet."""
    made = Fleet(data, gateway)
    try:
        yield made
    finally:
        made.end()


class Load:
    """Calls of some methods, each over and over by a thread of its own."""

    def __init__(self, target: str, key: str, paths: Mapping[str, str]) -> None:
        """`paths` by the names under which a test knows them."""
        self._channel = grpc.insecure_channel(target)
        self._metadata = bearer(key)
        self._over = False
        self._heard = {name: deque[Outcome]() for name in paths}
        self._news = threading.Condition()
        self._threads = [
            threading.Thread(target=self._call, args=(name, path)) for name, path in paths.items()
        ]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over = True
        for thread in self._threads:
            thread.join()
        self._channel.close()

    def until(self, **codes: grpc.StatusCode) -> None:
        """Wait until the last call of each of these methods ended so."""
        with self._news:
            met = self._news.wait_for(
                lambda: all(map(self._ended, codes, codes.values())), PATIENCE
            )
        assert met, {name: list(heard)[-1:] for name, heard in self._heard.items()}

    def next(self, count: int) -> dict[str, set[grpc.StatusCode]]:
        """How the next `count` calls of every method end."""
        with self._news:
            for heard in self._heard.values():
                heard.clear()
            enough = self._news.wait_for(
                lambda: all(len(heard) >= count for heard in self._heard.values()), PATIENCE
            )
            assert enough
            return {name: {o.code for o in heard} for name, heard in self._heard.items()}

    def _ended(self, name: str, code: grpc.StatusCode) -> bool:
        heard = self._heard[name]
        return bool(heard) and heard[-1].code is code

    def _call(self, name: str, path: str) -> None:
        while not self._over:
            outcome = attempt(self._channel, path, b"", self._metadata)
            with self._news:
                self._heard[name].append(outcome)
                self._news.notify_all()
