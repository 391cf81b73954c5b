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
from typing import Final

from systemzero_chassis.background import heard
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
        return await heard(self._urgent, HOLD_SECONDS)

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
        """Those taken could not be written; they wait on, with what is equal to them by now.

        They come before what came meanwhile.
        """
        self._taken -= len(entries)
        denied = [entry for entry in entries if entry.act.decision is Decided.DENIED]
        done = [entry for entry in entries if entry.act.decision is not Decided.DENIED]
        self._denied = _before(denied, self._denied)
        self._done = _before(done, self._done)


def _before(entries: list[Recorded], later: dict[Act, Recorded]) -> dict[Act, Recorded]:
    """All of them in the order in which they first came; equal ones as one."""
    found = {entry.act: entry for entry in entries}
    for act, entry in later.items():
        first = found.get(act)
        if first is not None:
            entry = first._replace(times=first.times + entry.times, last_time=entry.last_time)
        found[act] = entry
    return found


def _full() -> Overloaded:
    return Overloaded("what is to be recorded finds no room", retry_after=RETRY_SECONDS)
