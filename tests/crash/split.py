"""Crashes in split mode: one service is killed and comes back, while the others live on.

Nothing but the one is started again: what was acknowledged has to be there for those who remember
it, connections have to heal, and what was half-done has to be completed by the repeat.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Final

from tests.crash.ledger import Ledger
from tests.crash.load import learn, under_load
from tests.crash.rounds import check_all, check_round, settle
from tests.support.fleet import Fleet
from tests.support.platform import GENEROUS, Services, until_serving

VICTIMS: Final = ("diff", "capture")
_LIMITS: Final = {f"LIMITS__{name}": GENEROUS for name in ("TENANT", "PRINCIPAL", "FAILURES")}
_PATIENCE: Final = 60.0
"""Seconds that the platform may take until it answers again."""


class Split:
    """The three services over one folder, each in a process of its own."""

    def __init__(self, data: Path) -> None:
        self._fleet = Fleet(data, _LIMITS)
        for name in ("diff", "capture"):
            self._fleet.start(name)
        self._target = self._fleet.start("gateway")
        with self.services() as services:
            until_serving(services)

    def services(self) -> Services:
        """Stubs of every service, called with the first admin key."""
        return Services(self._target, self._fleet.admin_key)

    def crash(self, victim: str) -> None:
        """Kill -9 of one service; it is started again at once, on the same port."""
        self._fleet.kill(victim)
        self._fleet.start(victim)

    def close(self) -> None:
        """Kill all of them."""
        self._fleet.end()


def run_split(
    data: Path, rounds: int, seed: int, tell: Callable[[str], None] = lambda _line: None
) -> Ledger:
    """Crash one service after the other so many times; what was acknowledged.

    Raises:
        AssertionError, LogVerificationError: something was lost, is there twice, or was rewritten.
    """
    ledger, known = Ledger(), set[str]()
    chance = random.Random(seed)  # noqa: S311 - to be repeated, not to be secret
    with closing(Split(data)) as platform, platform.services() as services:
        learn(services)
        for number in range(rounds):
            victim = VICTIMS[number % len(VICTIMS)]
            with under_load(platform, ledger, f"s{number}"):
                assert ledger.wait_for_answers(chance.randint(1, 40), _PATIENCE)
                platform.crash(victim)
                assert ledger.wait_for_answers(chance.randint(1, 20), _PATIENCE), "it stays away"
            settle(services, ledger)
            check_round(services, ledger, known, chance)
            known = set(ledger.answers)
            tell(f"round {number + 1}: {victim}; {len(known)} answers, {len(ledger.notes)} notes")
        check_all(services, ledger)
    return ledger
