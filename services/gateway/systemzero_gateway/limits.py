"""Rate limits by the generic cell rate algorithm (GCRA; ITU-T I.371, annex A).

Per key one number is kept: the theoretical arrival time (TAT), at which the key's bucket is full
again. A call of cost `c` moves it by `c` emission intervals; one that would move it further than
`burst` intervals ahead of now is refused and moves nothing.

Invariants:
1. From a full bucket exactly `burst` units pass at once; after that `per_minute` a minute.
2. A refused call takes nothing: waiting `retry_after` seconds is enough.
3. Memory is bounded. A key whose bucket is full need not be remembered.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from systemzero_chassis.config import Settings

_ENTRIES: Final = 100_000
_ROUNDING: Final = 1e-6  # units; what is this close to a whole unit is one


class Rate(Settings, frozen=True):
    """`per_minute` units a minute, and `burst` units at once from a full bucket."""

    per_minute: float = 60.0
    burst: int = 40

    def __post_init__(self) -> None:
        """Refuse rates that are none.

        Raises:
            ValueError: not both are positive.
        """
        if self.per_minute <= 0 or self.burst <= 0:
            raise ValueError("per_minute and burst must be positive")


class Decision(NamedTuple):
    """What a limiter says to one call.

    `limit` and `remaining` in units; `retry_after` (0 if allowed) and `reset`, when the bucket is
    full, in seconds from now.
    """

    allowed: bool
    limit: int
    remaining: int
    retry_after: float
    reset: float


def decide(rate: Rate, tat: float, now: float, cost: int) -> tuple[Decision, float]:
    """The decision on a call of `cost` units at `now`, and the TAT after it; times in seconds."""
    interval = 60.0 / rate.per_minute
    tolerance = interval * rate.burst
    start = max(now, tat)
    moved = start + interval * cost
    excess = moved - now - tolerance
    if excess > 1e-9:
        start_left = int((tolerance - (start - now)) / interval + _ROUNDING)
        return Decision(False, rate.burst, start_left, excess, start - now), start
    left = int((tolerance - (moved - now)) / interval + _ROUNDING)
    return Decision(True, rate.burst, left, 0.0, moved - now), moved


class Limiter:
    """Buckets of one rate, by key, in memory."""

    def __init__(self, rate: Rate, clock: Callable[[], float], entries: int = _ENTRIES) -> None:
        """`clock` gives seconds and never goes back; at most `entries` keys are remembered."""
        self._rate = rate
        self._clock = clock
        self._entries = entries
        self._tats: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._tats)

    def look(self, key: str, cost: int) -> tuple[Decision, float]:
        """What `take` would say, and the TAT that it would keep."""
        return decide(self._rate, self._tats.get(key, 0.0), self._clock(), cost)

    def take(self, key: str, cost: int) -> Decision:
        """Take `cost` units from the bucket of `key`, if they are there."""
        decision, tat = self.look(key, cost)
        self.keep(key, tat)
        return decision

    def keep(self, key: str, tat: float) -> None:
        """Remember the TAT of `key`."""
        if len(self._tats) >= self._entries and key not in self._tats:
            self._make_room()
        self._tats[key] = tat

    def _make_room(self) -> None:
        now = self._clock()
        self._tats = {key: tat for key, tat in self._tats.items() if tat > now}
        # Only keys that peers choose (addresses) can fill it with live ones; the eldest tenth goes,
        # so that the sweep's cost is spread over as many new keys.
        if len(self._tats) >= self._entries:
            for key in list(self._tats)[: self._entries // 10 + 1]:
                del self._tats[key]


class CallerLimits:
    """The limits on authenticated calls: the tenant's and the principal's, both or neither."""

    def __init__(self, tenants: Limiter, principals: Limiter) -> None:
        self._tenants = tenants
        self._principals = principals

    def take(self, tenant: str, principal: str, cost: int) -> tuple[Decision, str]:
        """The decision of whichever limit is tighter, and which it is: `tenant` or `principal`."""
        ours, our_tat = self._tenants.look(tenant, cost)
        own, own_tat = self._principals.look(principal, cost)
        if ours.allowed and own.allowed:
            self._tenants.keep(tenant, our_tat)
            self._principals.keep(principal, own_tat)
            return (own, "principal") if own.remaining <= ours.remaining else (ours, "tenant")
        if own.retry_after >= ours.retry_after:
            return own, "principal"
        return ours, "tenant"
