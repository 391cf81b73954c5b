"""File descriptors, of which a process may have so many: connections, databases, files take them.

Without one nothing new is opened, and each place says so in its own riddle. Here they are one.
"""

from __future__ import annotations

import errno
import os
from typing import Final

import structlog

NONE_LEFT: Final = (
    "the process has no file descriptor left: raise its limit (LimitNOFILE, ulimit -n), or have "
    "fewer clients connect"
)
LOOKS: Final = 3
"""So many looks in a row have to find none before a process counts as one without."""
_USED_UP: Final = frozenset((errno.EMFILE, errno.ENFILE))


def used_up(error: BaseException | None) -> bool:
    """Whether it was for want of a descriptor that something failed with `error`."""
    return isinstance(error, OSError) and error.errno in _USED_UP


def none_left() -> bool:
    """Whether the process could open nothing now."""
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        return used_up(error)
    return False


class Descriptors:
    """Whether the process has any left, as it was when it was looked at last; tells of changes."""

    def __init__(self, logger: structlog.typing.FilteringBoundLogger) -> None:
        self._logger = logger
        self._looks = 0
        self._why = ""

    def look(self) -> None:
        """Look again."""
        before, self._looks = self._looks, self._looks + 1 if none_left() else 0
        if self._looks == 1:
            self._logger.error("descriptors.none_left", error=NONE_LEFT)
        elif before and not self._looks:
            self._logger.info("descriptors.back")
        self._why = NONE_LEFT if self._looks >= LOOKS else ""

    def failing(self) -> str:
        """A condition of readiness: new connections can be taken."""
        return self._why
