"""The memory of each service of a platform, looked at ten times a second while others work.

`memory.py LEADER` is a process of its own, since a look takes the processor for longer than a call:
it says `ready`, and when its standard input ends the peaks as JSON.
"""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache

from benchmarks._processes import SeenProcess, command_of, seen

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
        every = seen()
        for pid, process in every.items():
            if leader not in (process.group, _group_of(every, process.parent)):
                continue  # lanes have groups of their own
            self.process = max(self.process, process.resident)
            name = _service(every, pid)
            sums[name] = sums.get(name, 0) + process.resident
        for name, total in sums.items():
            self.services[name] = max(self.services.get(name, 0), total)


@contextmanager
def watched(leader: int) -> Iterator[Peaks]:
    """The peaks of the platform in the process group of `leader`, known when the context ends."""
    peaks = Peaks()
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.neighbours.memory", str(leader)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as looking:
        assert looking.stdout is not None
        looking.stdout.readline()
        yield peaks
        told, _ = looking.communicate()
    peaks.take_in(Peaks(**json.loads(told)))


def main(leader: int) -> None:
    """Look until standard input ends, and tell."""
    peaks = Peaks()
    print("ready", flush=True)
    while not select.select([sys.stdin], [], [], _PAUSE)[0]:
        peaks.look(leader)
    print(json.dumps(asdict(peaks)))


def _group_of(every: Mapping[int, SeenProcess], pid: int) -> int:
    return every[pid].group if pid in every else 0


def _service(every: Mapping[int, SeenProcess], pid: int) -> str:
    """Which service a process is of: its own, or that of the nearest ancestor that is one."""
    while pid in every:
        words = _words(pid)
        found = [word for word in words if word.startswith("systemzero_")]
        if found and "-m" in words and found[0] != _LANE:  # a lane is its service's
            return found[0]
        pid = every[pid].parent
    return "others"


@cache
def _words(pid: int) -> list[str]:
    return command_of(pid).split()


if __name__ == "__main__":
    main(int(sys.argv[1]))
