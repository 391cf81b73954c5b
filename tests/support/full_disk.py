"""Files that take no more: a full disk, as far as one process is concerned, and a read-only one."""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """While this lasts, what this process writes past `size` bytes of a file is cut off there."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def nobody_may_write(file: Path, multiple: int) -> Iterator[None]:
    """While this lasts, there is a `file` of so many bytes or twice as many and so on.

    Not even root may open it to write: it is a program that runs.
    """
    program = Path("/bin/sleep").read_bytes()
    file.write_bytes(program + bytes(-len(program) % multiple))
    file.chmod(0o700)
    with subprocess.Popen([file, "1000"]) as running:
        try:
            yield
        finally:
            running.kill()
