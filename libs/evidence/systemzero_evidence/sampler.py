"""What a service shows of its log: what is at hand every second, a census every ten."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from prometheus_client import Gauge

from systemzero_base.work.background import Loops
from systemzero_core.errors import DomainError
from systemzero_evidence.log.store import LogStore

CENSUS_SECONDS: Final = 10.0

LOGS: Final = Gauge(
    "systemzero_log_tenants", "Tenants that have a log.", ["log"], multiprocess_mode="livemax"
)
ENTRIES: Final = Gauge(
    "systemzero_log_entries", "Entries of all tenants' logs.", ["log"], multiprocess_mode="livemax"
)
UNSIGNED: Final = Gauge(
    "systemzero_log_unsigned_age_seconds",
    "Age of the oldest entry that no checkpoint covers; 0 while all are covered.",
    ["log"],
    multiprocess_mode="livemax",
)
DIVERGED: Final = Gauge(
    "systemzero_log_diverged",
    "Whether a log is refused: it does not extend its last checkpoint, or others wrote to it.",
    ["log"],
    multiprocess_mode="livemax",
)
UNCOSIGNED: Final = Gauge(
    "systemzero_log_uncosigned_age_seconds",
    "Age of the oldest checkpoint past what the witness cosigned; 0 while it cosigned the newest.",
    ["log", "witness"],
    multiprocess_mode="livemax",
)
REFUSED: Final = Gauge(
    "systemzero_log_witness_refused",
    "Whether the witness refuses a log as one that was cut or split.",
    ["log", "witness"],
    multiprocess_mode="livemax",
)


class LogSampler:
    """What is looked at of a log."""

    def __init__(self, service: str, name: str, store: LogStore, loops: Loops) -> None:
        """`name` is what metrics call the log."""
        self._name = name
        self._store = store
        self.rounds = (loops.new("census", self._count, pause=CENSUS_SECONDS, vital=False),)
        self.conditions: dict[str, Callable[[], str]] = {f"{service}.log": lambda: store.diverged}

    def look(self) -> None:
        """Set the gauges of what is at hand."""
        DIVERGED.labels(self._name).set(bool(self._store.diverged))
        for cosigner in self._store.cosigners:
            REFUSED.labels(self._name, cosigner.key.name).set(bool(cosigner.refused))

    async def _count(self) -> None:
        try:
            found = await self._store.log_counts()
        except DomainError:
            return  # the database is away: `StoreVitals` tell
        LOGS.labels(self._name).set(found.logs)
        ENTRIES.labels(self._name).set(found.entries)
        UNSIGNED.labels(self._name).set(_age(found.unsigned_since))
        for cosigner in self._store.cosigners:
            since = found.uncosigned_since[str(cosigner.key)]
            UNCOSIGNED.labels(self._name, cosigner.key.name).set(_age(since))


def _age(since: datetime | None) -> float:
    return 0.0 if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())
