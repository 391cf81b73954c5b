"""Processes that stand for other machines, on the one machine that there is.

The clients of a platform have processors of their own, for which they do not wait behind its
lanes, and what an attacker computes takes no turn from anybody. Nor do others who use the machine.
Each of these has a session of its own: Linux shares processors between sessions before it looks at
niceness. A process of niceness 19 that is alone in its session has as much as a whole platform
(`sched(7)`, autogroup).
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

_NICEST: Final = 19
_LEAST_NICE: Final = -20
AUTOGROUP: Final = Path("/proc/self/autogroup")
"""How nice a session is; absent where Linux does not share processors between sessions."""


def yield_to_others() -> None:
    """Have this process, the leader of its session, take no turn from another."""
    os.nice(_NICEST)
    if sys.platform == "linux":
        with suppress(OSError):
            AUTOGROUP.write_text(str(_NICEST))


def prefer(leader: int) -> bool:
    """Have the session of `leader` go before all others; whether the system lets it."""
    try:
        Path(f"/proc/{leader}/autogroup").write_text(str(_LEAST_NICE))
    except OSError:
        return False
    return True


def go_first() -> None:
    """Have this process wait for no other, where the system lets it; threads made later as well."""
    if sys.platform == "linux":
        with suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
