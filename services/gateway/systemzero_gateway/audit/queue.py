"""What waits to be written to the audit log: bounded, and never lost to make room.

Invariants:
1. There are never more entries than `capacity`, counting places that are reserved.
2. What was put in comes out, as an entry of its own or counted in an equal one. Who finds no room
   learns it before anything is done that would have to be recorded.
3. Refusals wait for up to `HOLD_SECONDS`, so that a flood of equal ones becomes few entries; what
   was let in does not wait.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from systemzero_core.errors import Overloaded
from systemzero_gateway.audit.act import Act, Decided, Recorded

HOLD_SECONDS: Final = 1.0
RETRY_SECONDS: Final = 1.0


class AuditQueue:
    """Takes acts without waiting; gives them to whoever writes.

    Attributes:
        capacity: how many entries may wait.
    """

    def __init__(self, capacity: int, clock: Callable[[], int]) -> None:
        """`clock` gives microseconds since 1970."""
        self.capacity = capacity
        self._clock = clock
        self._done: dict[Act, Recorded] = {}
        self._denied: dict[Act, Recorded] = {}
        self._taken = 0
        self._reserved = 0
        self._urgent = asyncio.Event()

    def __len__(self) -> int:
        return len(self._done) + len(self._denied) + self._taken + self._reserved

    def reserve(self) -> None:
        """Keep a place for what will have to be put in.

        Raises:
            Overloaded: there is none.
        """
        if len(self) >= self.capacity:
            raise _full()
        self._reserved += 1

    def release(self) -> None:
        """Give a reserved place back; `put` right after it finds room."""
        self._reserved -= 1

    def put(self, act: Act, address: str, trace_id: str, request_id: str = "") -> None:
        """Record an act.

        Raises:
            Overloaded: there is no room.
        """
        waiting = self._denied if act.decision is Decided.DENIED else self._done
        now, equal = self._clock(), waiting.get(act)
        if equal is not None:
            waiting[act] = equal._replace(times=equal.times + 1, last_time=now)
            return
        if len(self) >= self.capacity:
            raise _full()
        waiting[act] = Recorded(act, address, trace_id, now, now, request_id=request_id)
        if act.decision is not Decided.DENIED:
            self._urgent.set()

    async def wait(self) -> bool:
        """Wait for what does not wait itself, for `HOLD_SECONDS` at most; whether it came."""
        with suppress(TimeoutError):
            return await asyncio.wait_for(self._urgent.wait(), HOLD_SECONDS)
        return False

    def hurry(self) -> None:
        """End the present wait."""
        self._urgent.set()

    def take(self, *, every: bool) -> list[Recorded]:
        """What is to be written now, with all refusals if `every`; tell `written` or `put_back`."""
        taken = list(self._done.values())
        self._done = {}
        self._urgent.clear()
        if every:
            taken += self._denied.values()
            self._denied = {}
        self._taken += len(taken)
        return taken

    def written(self, entries: list[Recorded]) -> None:
        """Those taken are in the log."""
        self._taken -= len(entries)

    def put_back(self, entries: list[Recorded]) -> None:
        """Those taken could not be written; they wait on, with what is equal to them by now."""
        self._taken -= len(entries)
        for entry in entries:
            denied = entry.act.decision is Decided.DENIED
            waiting = self._denied if denied else self._done
            later = waiting.get(entry.act)
            if later is not None:
                entry = entry._replace(times=entry.times + later.times, last_time=later.last_time)
            waiting[entry.act] = entry


def _full() -> Overloaded:
    return Overloaded("what is to be recorded finds no room", retry_after=RETRY_SECONDS)
