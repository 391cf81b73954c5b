"""Memory settings of a long-lived process with many threads."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Any, Final

_THRESHOLDS: Final = (10_000, 20, 10)
"""When the collector looks: at the youngest after so many objects, for one capture makes thousands;
at all that is not frozen every 200 times. A call that was refused is garbage in cycles (its error,
the error's frames, the call), and what a flood left is gone only then."""

_ARENA_MAX: Final = -8
"""M_ARENA_MAX of glibc's malloc.h."""
_ARENAS: Final = 2


def share_arenas() -> None:
    """Have all threads allocate from two arenas; for the start of a process, before its threads.

    Glibc gives each thread its own, up to eight a core, and keeps what each ever had. Of the
    threads here one at a time runs Python, so that they hardly ever wait for each other.
    """
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_ARENA_MAX, _ARENAS)


def calm_collector() -> None:
    """Keep the garbage collector from what is there for good; for the end of a start.

    Modules, descriptors and statements are most of a service's objects and never garbage: each full
    collection would walk them all again. What the start needed besides goes back to the system.
    """
    gc.collect()
    gc.freeze()
    trim()
    gc.set_threshold(*_THRESHOLDS)


def trim() -> None:
    """Give memory that is free back to the system."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> Any:
    """The C library, where it is glibc."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") else None
