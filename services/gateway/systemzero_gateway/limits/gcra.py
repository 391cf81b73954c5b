"""Rate limits by the generic cell rate algorithm (GCRA; ITU-T I.371, annex A).

Per bucket one number is kept: the theoretical arrival time (TAT), at which it is full again. A
call of cost `c` moves it by `c` emission intervals; one that would move it further than `burst`
intervals ahead of now is refused and moves nothing.

Invariants:
1. From a full bucket exactly `burst` units pass at once; after that `per_minute` a minute.
2. A refused call takes nothing: waiting `retry_after` seconds is enough.
3. From a full bucket any call passes: one that costs more than `burst` takes all of it.
4. A bucket that is full need not be remembered.
5. Who is to leave `spare` units to others finds the bucket smaller by so many; what others took
   counts all the same.
6. Whatever was taken under another rate, a bucket is at most empty: a limit that is raised for
   somebody who used up the old one lets them go on by the new one, not by the old one's debt.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from systemzero_base.settings.config import Settings

_ROUNDING: Final = 1e-6  # units; what is this close to a whole unit is one
_SECONDS: Final = 1e-9  # what is this close to having passed has


class Rate(Settings, frozen=True):
    """A rate.

    Attributes:
        per_minute: units a minute; a method says how many a call of it costs.
        burst: units at once from a full bucket.
    """

    per_minute: float = 60.0
    burst: int = 40

    def __post_init__(self) -> None:
        """Refuse rates that are none.

        Raises:
            ValueError: not both are positive.
        """
        if not self.per_minute > 0 or self.burst <= 0:
            raise ValueError("per_minute and burst must be positive")


class Bucket(NamedTuple):
    """What calls take from: `key` names it, `rate` says how large it is and how fast it fills.

    `spare` units of it are not for who asks: they stay for others.
    """

    key: str
    rate: Rate
    spare: int = 0


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


def decide(rate: Rate, tat: float, now: float, cost: int, spare: int = 0) -> tuple[Decision, float]:
    """The decision on a call of `cost` units at `now`, and the TAT after it; times in seconds.

    It leaves `spare` units, which are fewer than the rate's burst.

    The TAT of a refusal is less than `tat` where the bucket was used up under another rate.
    """
    burst = rate.burst
    interval = 60.0 / rate.per_minute
    tolerance = interval * burst
    # compared by hand, which is faster than min and max; every call waits for this
    start = now if tat < now else tat  # noqa: FURB136
    if start > now + tolerance:
        start = now + tolerance
    most = burst - spare
    moved = start + interval * (cost if cost < most else most)  # noqa: FURB136
    excess = moved - now - interval * most
    if excess > _SECONDS:
        start_left = int((tolerance - (start - now)) / interval + _ROUNDING)
        return Decision(False, burst, start_left, excess, start - now), start
    left = int((tolerance - (moved - now)) / interval + _ROUNDING)
    return Decision(True, burst, left, 0.0, moved - now), moved
