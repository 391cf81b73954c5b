"""CPU time and memory of a platform's processes, from /proc (Linux)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


class SeenProcess(NamedTuple):
    """A process: its parent's id, its group's, and the bytes of it that are in memory."""

    parent: int
    group: int
    resident: int


def seen() -> dict[int, SeenProcess]:
    """All processes that there are, by their ids."""
    pids = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
    told = ((pid, _fields(pid)) for pid in pids)
    return {
        pid: SeenProcess(int(fields[1]), int(fields[2]), int(fields[21]) * _PAGE)
        for pid, fields in told
        if fields
    }


def group(leader: int) -> list[int]:
    """The ids of the processes in the process group of `leader`."""
    return [pid for pid, process in seen().items() if process.group == leader]


def cpu_seconds_of(pids: list[int]) -> float:
    """User and system time that the processes have used, in seconds."""
    ticks = 0
    for pid in pids:
        fields = _fields(pid)
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / _TICKS


def memory_bytes(pids: list[int], field: str = "Pss") -> int:
    """Memory of the processes, in bytes: what they take in all, with pages that they share once.

    `field` is one of /proc/PID/smaps_rollup: `Pss` (proportional set size), `Anonymous`, `Rss`, …
    Source: Documentation/filesystems/proc.rst of Linux.
    """
    total = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith(f"{field}:"))
    return total * 1_024


def command_of(pid: int) -> str:
    """The command that the process runs, with its arguments; empty for one that is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def descriptors(pids: list[int]) -> int:
    """How many file descriptors the processes have open."""
    total = 0
    for pid in pids:
        with suppress(FileNotFoundError, ProcessLookupError):
            total += sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    return total


def _fields(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the third on; empty for a process that is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return stat.rpartition(")")[2].split()
