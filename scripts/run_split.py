"""Run the three services as three processes on this machine, until Ctrl-C.

Usage: python -m scripts.run_split [--listen HOST:PORT] [--data FOLDER]

The backends listen on free loopback ports that nobody else is told. When one process ends, all do.
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

GRACE_SECONDS = 15


def main() -> int:
    """Start, announce, wait; the exit status is the first that is not 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="127.0.0.1:50051", help="address of the gateway")
    parser.add_argument("--data", type=Path, default=Path("data"), help="folder of all state")
    arguments = parser.parse_args()
    processes = {
        name: subprocess.Popen([sys.executable, "-m", f"systemzero_{name}"], env=environment)
        for name, environment in environments(arguments.listen, arguments.data).items()
    }
    signal.signal(signal.SIGINT, _to_wake_the_wait)
    signal.signal(signal.SIGTERM, _to_wake_the_wait)
    with suppress(InterruptedError):
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
        for line in ended(processes):
            sys.stderr.write(f"run_split: {line}: all are stopped\n")
    return stop(list(processes.values()))


def ended(processes: Mapping[str, subprocess.Popen[bytes]]) -> list[str]:
    """Which of the processes have ended, and how."""
    statuses = {name: process.poll() for name, process in processes.items()}
    return [f"{name} {_how(status)}" for name, status in statuses.items() if status is not None]


def _how(status: int) -> str:
    if status < 0:
        return f"was ended by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _to_wake_the_wait(_number: int, _frame: FrameType | None) -> None:
    raise InterruptedError


def environments(listen: str, data: Path) -> dict[str, dict[str, str]]:
    """The environment of each service, by name, in the order in which they are started."""
    capture, diff = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
    settings = {
        "diff": {"LISTEN": diff, "CAPTURE": capture},
        "capture": {"LISTEN": capture, "DIFF": diff},
        "gateway": {"LISTEN": listen, "BACKENDS": f"{{capture: '{capture}', diff: '{diff}'}}"},
    }
    return {
        name: {
            **_without_others(name, list(settings)),
            f"SZ_{name.upper()}_DATA": str(data / name),
            f"SZ_{name.upper()}_TRUST": str(data / "trust"),
            **{f"SZ_{name.upper()}_{key}": value for key, value in own.items()},
        }
        for name, own in settings.items()
    }


def _without_others(name: str, services: Sequence[str]) -> dict[str, str]:
    """This process's environment without the settings of the other services.

    What begins with `SZ_` and is nobody's stays, so that each service refuses it.
    """
    others = tuple(f"SZ_{other.upper()}_" for other in services if other != name)
    return {key: value for key, value in os.environ.items() if not key.startswith(others)}


def free_port() -> int:
    """A port for a server on this machine; while this process lives, nobody is given it by chance.

    It is held by a socket that does not listen, beside which a server's may bind: they do so by
    SO_REUSEADDR. A port that was free a moment ago may be the end of somebody's connection now.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        holder.detach()
        return port


def stop(processes: list[subprocess.Popen[bytes]]) -> int:
    """End the processes, the gateway first, so that what is in flight finds its backends still.

    Returns the worst exit status.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for process in reversed(processes):
        process.terminate()
        try:
            process.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
    return max(abs(process.wait()) for process in processes)


if __name__ == "__main__":
    sys.exit(main())
