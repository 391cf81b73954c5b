"""Restart every replica under load, and hold the platform to what clients are promised."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from systemzero_client import Client
from tests.chaos.load import Clients
from tests.chaos.replicas import Replicas, replicas
from tests.support.postgres import Server, migrated, process
from tests.support.valkey import real_valkey


def roll(
    folder: Path,
    rounds: int,
    count: int,
    number: signal.Signals,
    tell: Callable[[str], None] = lambda _line: None,
) -> Counter[str]:
    """Restart all of `count` replicas of each service, `rounds` times; the answers, by kind.

    Raises:
        AssertionError: a call failed, an event is missing or there twice, or a watch missed one.
    """
    with process() as database, real_valkey() as valkey:
        database.start()
        url = migrated(Server(database.url), folder)
        with replicas(folder / "data", count, url, valkey.url) as fleet:
            tell(f"{', '.join(fleet.names)} run")
            with Clients(fleet.target, fleet.key("admin")) as clients:
                for turn in range(rounds):
                    for name in fleet.names:
                        fleet.restart(name, number)
                        answered, failed = clients.answered.total(), len(clients.failures)
                        tell(f"round {turn + 1}: {name} is back; {answered} calls, {failed} failed")
            assert not clients.failures, "\n".join(clients.failures[:20])
            _check_events(fleet, clients)
    return clients.answered


def _check_events(fleet: Replicas, clients: Clients) -> None:
    listed = asyncio.run(_events(fleet))
    assert sorted(listed) == sorted(clients.events)
    twice = [event for event, times in Counter(clients.watched).items() if times > 1]
    assert not twice, f"the watch saw {len(twice)} events twice"
    missed = clients.events - set(clients.watched)
    assert not missed, f"the watch missed {len(missed)} of {len(clients.events)} events"


async def _events(fleet: Replicas) -> list[str]:
    async with Client(fleet.target, api_key=fleet.key("admin"), tls=False) as client:
        return [event.event_id async for event in client.events.list()]
