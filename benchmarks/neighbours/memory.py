"""The memory of each service of a platform, looked at ten times a second while others work."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks._processes import command_of, group

_PAUSE = 0.1
_LANE = "systemzero_base.lanes.worker"


@dataclass
class Peaks:
    """The most that was seen, in bytes: of each service with its children, and of any process."""

    services: dict[str, int] = field(default_factory=dict)
    process: int = 0

    def take_in(self, other: Peaks) -> None:
        """Have the higher of both."""
        for name, total in other.services.items():
            self.services[name] = max(self.services.get(name, 0), total)
        self.process = max(self.process, other.process)

    def look(self, leader: int) -> None:
        """Take in what the platform led by `leader` has now."""
        sums: dict[str, int] = {}
        for pid in _family(leader):
            resident = _resident(pid)
            self.process = max(self.process, resident)
            sums[_service(pid)] = sums.get(_service(pid), 0) + resident
        for name, total in sums.items():
            self.services[name] = max(self.services.get(name, 0), total)


@contextmanager
def watched(leader: int) -> Iterator[Peaks]:
    """The peaks of the platform in the process group of `leader`, while the context lasts."""
    peaks, over = Peaks(), threading.Event()

    def look() -> None:
        while not over.wait(_PAUSE):
            peaks.look(leader)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peaks
    finally:
        over.set()
        looking.join()


def _family(leader: int) -> list[int]:
    """The group of `leader`, and what that has started: lanes have groups of their own."""
    of_group = set(group(leader))
    every = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    return [pid for pid in every if pid in of_group or _parent(pid) in of_group]


def _service(pid: int) -> str:
    """Which service a process is of: its own, or that of the nearest ancestor that is one."""
    while pid > 1:
        words = command_of(pid).split()
        found = [word for word in words if word.startswith("systemzero_")]
        if found and "-m" in words and found[0] != _LANE:  # a lane is its service's
            return found[0]
        pid = _parent(pid)
    return "others"


def _parent(pid: int) -> int:
    return _status(pid, "PPid")


def _resident(pid: int) -> int:
    return _status(pid, "VmRSS") * 1_024


def _status(pid: int, name: str) -> int:
    """A number of /proc/PID/status; 0 for a process that is gone."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1])
    return 0
