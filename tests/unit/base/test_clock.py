"""A clock that is set wrong, as what erases by it sees it."""

from __future__ import annotations

from systemzero_base.clock import PAUSE, Trust

HOUR, DAY, YEAR = 3_600.0, 86_400.0, 365 * 86_400.0


class Clocks:
    """One on the wall, that is set, and one that is not."""

    def __init__(self) -> None:
        self.wall, self.steady = 50 * YEAR, 17.0

    def micros(self) -> int:
        return round(self.wall * 1e6)

    def ticks(self) -> float:
        return self.steady

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds

    def trust(self) -> Trust:
        return Trust(self.micros, self.ticks)


def test_a_clock_that_goes_on_is_believed() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    trust.begin(clocks.micros())
    for seconds in (60.0, HOUR, DAY, YEAR):
        clocks.pass_(seconds)
        assert trust.look()


def test_a_leap_ahead_is_not_believed_until_it_is_set_right_again() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    clocks.wall += YEAR
    assert not trust.look()
    clocks.pass_(HOUR)
    assert not trust.look()
    clocks.wall -= YEAR
    assert trust.look()


def test_a_leap_ahead_that_lasts_is_believed_after_a_day() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    clocks.wall += YEAR
    assert not trust.look()
    clocks.pass_(PAUSE - 1)
    assert not trust.look()
    clocks.pass_(1)
    assert trust.look()


def test_a_clock_that_is_put_right_by_minutes_or_set_back_is_believed() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    for seconds in (600.0, -YEAR, 600.0):
        clocks.wall += seconds
        assert trust.look()


def test_a_start_long_after_all_that_was_written_believes_the_clock_a_day_later() -> None:
    clocks = Clocks()
    trust = clocks.trust()
    trust.begin(clocks.micros() - round(YEAR * 1e6))
    assert not trust.look()
    clocks.pass_(PAUSE)
    assert trust.look()


def test_a_start_on_nothing_or_after_a_short_while_believes_the_clock() -> None:
    clocks = Clocks()
    for newest in (None, clocks.micros() - round(HOUR * 1e6), clocks.micros() + 1):
        trust = clocks.trust()
        trust.begin(newest)
        assert trust.look()
