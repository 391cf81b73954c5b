"""Waiting in front of servers: by formula, and by discrete events.

A pool of k processes, one event loop each, is taken for k servers with one queue; the simulation
can also give each server a queue of its own and go round them, as gRPC's round-robin does, which
knows nothing of who is busy. Calls come at random (Poisson). The formula is Allen and Cunneen's
approximation of M/G/k: Erlang's waiting probability, scaled by (1 + c²) / 2, c being the
coefficient of variation of the service times. It is exact for M/M/k, and for the mean of M/G/1;
with many servers its 95th percentile errs on the safe side.
"""

from __future__ import annotations

import heapq
import math
import random
from collections.abc import Sequence
from typing import NamedTuple


class Service(NamedTuple):
    """What one kind of call takes: its share of all calls, and seconds of a process."""

    share: float
    seconds: float


class Moments(NamedTuple):
    """Mean of the service times in seconds, and their squared coefficient of variation."""

    mean: float
    variation: float

    @classmethod
    def of(cls, services: Sequence[Service]) -> Moments:
        """Those of a mix whose calls of one kind take the same time.

        Raises:
            ValueError: there is no call in it.
        """
        whole = sum(each.share for each in services)
        if whole <= 0:
            raise ValueError("a mix has calls")
        mean = sum(each.share * each.seconds for each in services) / whole
        square = sum(each.share * each.seconds**2 for each in services) / whole
        return cls(mean, square / mean**2 - 1)


class Waits(NamedTuple):
    """How long calls wait before they are served, in seconds."""

    mean: float
    p95: float


def waiting_probability(servers: int, offered: float) -> float:
    """Erlang's C: the share of calls that find all of `servers` busy, at `offered` Erlang.

    Raises:
        ValueError: that is more than they can do.
    """
    if offered >= servers:
        raise ValueError(f"{servers} servers can't do {offered:.2f} Erlang")
    blocked = 1.0  # Erlang's B, by its recursion
    for k in range(1, servers + 1):
        blocked = offered * blocked / (k + offered * blocked)
    return blocked / (1 - offered / servers * (1 - blocked))


def expected(servers: int, rate: float, service: Moments) -> Waits:
    """What `rate` calls a second wait in front of `servers`, by the formula.

    Raises:
        ValueError: they can't do it.
    """
    offered = rate * service.mean
    waits = waiting_probability(servers, offered)
    scale = (1 + service.variation) / 2 * service.mean / (servers - offered)
    # who waits, waits about exponentially, with this mean
    p95 = max(0.0, scale * math.log(waits / 0.05)) if waits > 0 else 0.0
    return Waits(waits * scale, p95)


def simulated(
    servers: int,
    rate: float,
    services: Sequence[Service],
    calls: int,
    seed: int,
    *,
    in_turn: bool = False,
) -> Waits:
    """The same by discrete events: `calls` calls, the first tenth not counted.

    `in_turn` sends each call to the next server, whether that one is busy or not.
    """
    draw = random.Random(seed)  # noqa: S311 - no secret
    seconds = [each.seconds for each in services]
    weights = [each.share for each in services]
    free = [0.0] * servers  # when each is free again
    now, waits = 0.0, []
    for number, chosen in enumerate(draw.choices(seconds, weights, k=calls)):
        now += draw.expovariate(rate)
        at = number % servers if in_turn else 0  # the first of a heap is free the soonest
        start = max(now, free[at])
        if in_turn:
            free[at] = start + chosen
        else:
            heapq.heapreplace(free, start + chosen)
        waits.append(start - now)
    counted = sorted(waits[calls // 10 :])
    return Waits(sum(counted) / len(counted), counted[int(len(counted) * 0.95)])


def servers_for(rate: float, service: Moments, utilisation: float, p95: float) -> int:
    """The fewest servers no busier than `utilisation` whose calls wait at most `p95` seconds.

    The formula's 95th percentile is meant.
    """
    servers = max(1, math.ceil(rate * service.mean / utilisation))
    while expected(servers, rate, service).p95 > p95:
        servers += 1
    return servers
