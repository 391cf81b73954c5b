"""Keeps each tenant's captures within its bounds, in the background.

What was kept of them as it was sent has an age of its own, held or not.

What a template was learnt from and what an event is about stays. The first is marked as held when
the diff service says so, before anything depends on it. Of what was judged, the diff service is
asked for events before anything goes: it alone keeps them. Reading or comparing keeps nothing.

A clock that leapt ahead makes everything old: by it nothing is collected, see `clock.Trust`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Final

from structlog.typing import FilteringBoundLogger

from systemzero_base.clock import LEAPT, Trust
from systemzero_base.work.background import Loops
from systemzero_base.work.rounds import apart, raise_all
from systemzero_capture.config import Retention, RetentionSettings
from systemzero_capture.kept.settings import KeepingSettings
from systemzero_capture.metrics import COLLECTED
from systemzero_capture.model import Bounds
from systemzero_capture.store import CaptureStore

_DAY: Final = 86_400_000_000
_SETTLED: Final = 3_600_000_000
"""A capture younger than an hour may still be about to be judged: it is never collected."""


class Collector:
    """Collects what is out of bounds, tenant by tenant."""

    def __init__(
        self,
        store: CaptureStore,
        settings: RetentionSettings,
        originals: KeepingSettings,
        clock: Callable[[], int],
        logger: FilteringBoundLogger,
        loops: Loops,
        with_event: Callable[[str, Sequence[str]], Awaitable[Collection[str]]],
    ) -> None:
        """`with_event` says which captures of a tenant there are events of."""
        self._with_event = with_event
        self._store = store
        self._settings = settings
        self._originals = originals
        self._clock = clock
        self._logger = logger
        self._trust = Trust(clock)
        self._begun = self._doubted = False
        self._background = loops.new("retention", self.round, pause=settings.interval, vital=False)

    def start(self) -> None:
        """Begin, if anything is ever to be collected."""
        captures = (self._settings, *self._settings.tenants.values())
        originals = (self._originals, *self._originals.tenants.values())
        # also where nothing is kept any more: what was kept before still grows old
        if any(r.days or r.captures for r in captures) or any(o.days for o in originals):
            self._background.start()

    async def stop(self) -> None:
        """End, after the batch under way."""
        await self._background.stop()

    async def collect(self) -> int:
        """Collect all that is out of bounds now; how many captures that were.

        Raises:
            ExceptionGroup: of some tenants it could not be collected; of all others it was.
        """
        count, tenant = 0, await self._store.next_tenant("")
        errors: list[Exception] = []
        while tenant is not None:
            with apart(errors):
                count += await self._collect_captures(tenant)
            with apart(errors):
                await self._collect_originals(tenant)
            tenant = await self._store.next_tenant(tenant)
        raise_all(errors)
        return count

    async def _collect_captures(self, tenant: str) -> int:
        bounds, count = self._bounds(self._settings.of(tenant)), 0
        while bounds is not None and (asked := await self._store.unsettled(tenant, bounds)):
            await self._store.settle(tenant, asked, await self._with_event(tenant, asked))
        # batch by batch, through the queue that writers wait in: they come between
        while bounds is not None and (batch := await self._store.collect(tenant, bounds)):
            count += batch
            COLLECTED.inc(batch)
        return count

    async def _collect_originals(self, tenant: str) -> None:
        days = self._originals.of(tenant).days
        before = self._clock() - days * _DAY
        while days and await self._store.collect_originals(tenant, before):
            pass

    def _bounds(self, retention: Retention) -> Bounds | None:
        if not (retention.days or retention.captures):
            return None
        now = self._clock()
        before = now - retention.days * _DAY if retention.days else 0
        return Bounds(before=before, most=retention.captures, settled=now - _SETTLED)

    async def round(self) -> None:
        """Collect all that is out of bounds, if the clock may be believed.

        Raises:
            ExceptionGroup: see `collect`.
        """
        if not self._begun:
            self._trust.begin(await self._newest())
            self._begun = True
        doubted, self._doubted = self._doubted, not self._trust.look()
        if not self._doubted and (count := await self.collect()):
            self._logger.info("captures.collected", count=count)
        elif self._doubted and not doubted:
            self._logger.warning("captures.not_collected", reason=LEAPT)

    async def _newest(self) -> int | None:
        """When the last capture of any tenant was taken in."""
        newest, tenant = None, await self._store.next_tenant("")
        while tenant is not None:
            for last in await self._store.newest(tenant, 1, before=None, app="", session_id=""):
                newest = max(newest or 0, last.create_time)
            tenant = await self._store.next_tenant(tenant)
        return newest
