"""What was counted: shares by rate and app, and each case that speaks against them."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from benchmarks._report import Report

_ASKS = {
    "reload_alarm_rate": (5.0, "at most"),
    "reload_alarm_rate_of_two": (1.0, "at most"),
    "reload_alarm_rate_unseen": (1.0, "at most"),
    "identical_alarm_rate": (0.0, "at most"),
    "drift_detection_rate": (100.0, "at least"),
    "screen_identification": (97.0, "at least"),
}


class Miss(NamedTuple):
    """One case that counts against a rate, and why."""

    rate: str
    app: str
    what: str
    reason: str


class Tally:
    """Shares of cases by name and app, and what speaks against them."""

    def __init__(self) -> None:
        self._cases: dict[str, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
        self.misses: list[Miss] = []

    def count(self, rate: str, app: str, hit: bool, *, wanted: bool, what: str, why: str) -> None:
        """Count a case; one that is not as `wanted` is a miss."""
        self._cases[rate][app].append(hit)
        if hit is not wanted:
            self.misses.append(Miss(rate, app, what, why))

    def shares(self) -> dict[str, dict[str, list[bool]]]:
        """Every case, by rate and app."""
        return {rate: dict(apps) for rate, apps in self._cases.items()}

    def emit(self, report: Report) -> None:
        """Print each rate: the total with its ask, then each app."""
        for rate, apps in self._cases.items():
            cases = [hit for hits in apps.values() for hit in hits]
            value = _percent(cases)
            ask, sense = _ASKS.get(rate, (None, ""))
            holds = None if ask is None else value <= ask if sense == "at most" else value >= ask
            report.emit(rate, value, "%", ask, holds)
            for app, hits in sorted(apps.items()):
                report.emit(f"{rate}/{app}", _percent(hits), "%")


def _percent(cases: list[bool]) -> float:
    return 100.0 * sum(cases) / len(cases)
