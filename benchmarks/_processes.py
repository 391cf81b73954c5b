"""CPU time and memory of a platform's processes, from /proc (Linux)."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def group(leader: int) -> list[int]:
    """The ids of the processes in the process group of `leader`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            fields = _fields(int(folder.name))
            if fields and int(fields[2]) == leader:
                found.append(int(folder.name))
    return found


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
