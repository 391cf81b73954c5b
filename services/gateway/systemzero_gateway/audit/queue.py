"""What waits to be written to the audit log: bounded, and never lost to make room.

Invariants:
1. There are never more acts than `capacity`, counting places that are reserved. Who finds no room
   learns it before anything is done that would have to be recorded.
2. An act is an entry of its own, in the order in which they came, and does not wait.
3. Refusals wait for `hold` seconds, so that however many there are becomes few entries; see
   `refusals`. They always find room.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from systemzero_base.work.rounds import heard
from systemzero_core.errors import Overloaded, Unavailable
from systemzero_gateway.audit.act import Act, Decided, Recorded
from systemzero_gateway.audit.begun import Begun
from systemzero_gateway.audit.refusals import Refusals

HOLD_SECONDS: Final = 60.0
GROUPS: Final = 16
RETRY_SECONDS: Final = 1.0
ROUND_SECONDS: Final = 1.0
"""At most between two rounds of the writer: only the end of one says that it is well."""


class AuditQueue:
    """Takes acts and refusals without waiting; gives them to whoever writes.

    Attributes:
        capacity: how many acts may wait.
    """

    def __init__(
        self,
        capacity: int,
        clock: Callable[[], int],
        *,
        hold: float = HOLD_SECONDS,
        groups: int = GROUPS,
        ticks: Callable[[], float] = time.monotonic,
        begun: Begun | None = None,
    ) -> None:
        """`clock` gives microseconds since 1970, `ticks` seconds that never go back.

        For `groups` see `Refusals`. What `begun` has left waits before all else.
        """
        self.capacity = capacity
        self._hold = hold
        self._clock = clock
        self._ticks = ticks
        self._begun = begun
        self._done: list[Recorded] = [] if begun is None else list(begun.left)
        self._refusals = Refusals(groups, clock)
        self._due = ticks() + hold
        self._taken = 0
        self._reserved = 0
        self._urgent = asyncio.Event()
        if self._done:
            self._urgent.set()

    def __len__(self) -> int:
        """The acts that wait, and the places that are reserved for others."""
        return len(self._done) + self._taken + self._reserved

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

    def begin(self, act: Act, address: str, trace_id: str, request_id: str) -> int:
        """Note that an act with a reserved place begins; what to `put` its outcome with.

        Raises:
            Unavailable: it can't be noted.
        """
        if self._begun is None:
            return -1
        try:
            return self._begun.note(act, address, trace_id, request_id, self._clock())
        except OSError as error:
            reason = error.strerror or error
            raise Unavailable(f"what is to be recorded can't be noted: {reason}") from None

    def give_up(self, slot: int) -> None:
        """What `begin` gave `slot` for does not begin, or its outcome is in the log."""
        if self._begun is not None and slot >= 0:
            self._begun.forget(slot)

    def close(self) -> None:
        """Note nothing more; after everything else."""
        if self._begun is not None:
            self._begun.close()
            self._begun = None

    def put(
        self, act: Act, address: str, trace_id: str, request_id: str = "", slot: int = -1
    ) -> None:
        """Record an act, or a refusal; `slot` is what `begin` gave.

        Raises:
            Overloaded: there is no room for an act.
        """
        if act.decision is Decided.DENIED:
            self._refusals.put(act, address, trace_id, request_id)
            return
        if len(self) >= self.capacity:
            raise _full()
        now = self._clock()
        entry = Recorded(act, address, trace_id, now, now, request_id=request_id, slot=slot)
        self._done.append(entry)
        self._urgent.set()

    async def wait(self) -> None:
        """Wait until an act is there, or refusals have waited for long enough; not for long."""
        await heard(self._urgent, min(ROUND_SECONDS, max(0.0, self._due - self._ticks())))

    def hurry(self) -> None:
        """End the present wait."""
        self._urgent.set()

    def take(self, *, every: bool) -> list[Recorded]:
        """What is to be written now, with all refusals if `every`, or if they have waited enough.

        Tell `written` or `put_back`.
        """
        taken, self._done = self._done, []
        self._taken += len(taken)
        self._urgent.clear()
        if every or self._ticks() >= self._due:
            taken = taken + self._refusals.take()
            self._due = self._ticks() + self._hold
        return taken

    def written(self, entries: list[Recorded]) -> None:
        """Those taken are in the log."""
        acts = _acts(entries)
        self._taken -= len(acts)
        for entry in acts:
            self.give_up(entry.slot)

    def put_back(self, entries: list[Recorded]) -> None:
        """Those taken could not be written; they wait on, before what came meanwhile."""
        acts = _acts(entries)
        self._taken -= len(acts)
        self._done = acts + self._done
        self._refusals.put_back([e for e in entries if e.act.decision is Decided.DENIED])
        if acts:
            self._urgent.set()


def _acts(entries: list[Recorded]) -> list[Recorded]:
    return [entry for entry in entries if entry.act.decision is not Decided.DENIED]


def _full() -> Overloaded:
    return Overloaded("what is to be recorded finds no room", retry_after=RETRY_SECONDS)
