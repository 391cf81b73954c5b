"""Processes that may open no more files."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_descriptor_left(pid: int = 0) -> Iterator[None]:
    """While this lasts, the process opens nothing: no file, no connection; this one for 0."""
    of = pid or os.getpid()
    before = resource.prlimit(of, resource.RLIMIT_NOFILE)
    resource.prlimit(of, resource.RLIMIT_NOFILE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(of, resource.RLIMIT_NOFILE, before)
