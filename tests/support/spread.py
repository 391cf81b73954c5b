"""Connections to each worker of a platform: which of them one leads to, the kernel chose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import grpc

from tests.support.patience import PATIENCE
from tests.support.platform import Platform, Services

TRIES = 200
"""Connections, at most, until each of a few workers has one."""
_ESTABLISHED, _LISTENING = "01", "0A"


def workers(platform: Platform) -> list[int]:
    """The ids of the platform's workers."""
    leader = platform.process.pid
    children = Path(f"/proc/{leader}/task/{leader}/children").read_text().split()
    return [
        int(child)
        for child in children
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
    ]


@contextmanager
def over_each(platform: Platform, *among: int) -> Iterator[dict[int, Services]]:
    """Stubs over one connection to each worker, or to each of these, by the worker's id."""
    wanted = set(among or workers(platform))
    found: dict[int, Services] = {}
    with ExitStack() as stack:
        for _ in range(TRIES):
            before = _connections(platform, wanted)
            services = stack.enter_context(platform.services())
            grpc.channel_ready_future(services.channel).result(PATIENCE)
            after = _connections(platform, wanted)
            found |= {pid: services for pid in wanted if after[pid] - before[pid]}
            if found.keys() == wanted:
                yield found
                return
        raise AssertionError(f"no connection led to {wanted - found.keys()}")


def listens(platform: Platform, pid: int) -> bool:
    """Whether the process takes connections at the platform's port."""
    return bool(_sockets(platform, _LISTENING) & _open_files(pid))


def _connections(platform: Platform, pids: set[int]) -> dict[int, set[str]]:
    """The sockets at the platform's port that each process holds."""
    sockets = _sockets(platform, _ESTABLISHED)
    return {pid: sockets & _open_files(pid) for pid in pids}


def _sockets(platform: Platform, state: str) -> set[str]:
    port = f":{int(platform.target.rpartition(':')[2]):04X}"
    tables = [Path(f"/proc/net/{name}").read_text() for name in ("tcp", "tcp6")]
    lines = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {f"socket:[{f[9]}]" for f in lines if f[1].endswith(port) and f[3] == state}


def _open_files(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            found.add(str(link.readlink()))
    return found
