"""The templates of each tenant, ready for matching: loaded from the store, and following it.

Invariants:
1. What this process wrote is seen by its next read; what another wrote, within `FOLLOW_SECONDS`.
2. Readers never wait for a rebuild, nor for each other while one looks for what other processes
   wrote: the index publishes whole snapshots.
3. `generation` changes whenever anything a verdict may rest on does, decisions included, and no
   two states of a tenant share one, also when its set is dropped and loaded anew.
4. What all sets and baselines take together stays within a budget of bytes; sets that were not
   used for longest are dropped, and loaded from the store when they are asked for. A set that does
   not fit by itself is refused, not served in part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor

from systemzero_core.drift import Decision
from systemzero_core.errors import Overloaded, TooLarge
from systemzero_core.match import TemplateIndex, Thresholds, Weights
from systemzero_diff import metrics
from systemzero_diff.store import DiffStore, Transaction
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.templates.baselines import ReadyBaselines
from systemzero_diff.templates.of_tenant import DEFAULT_BYTES, Change, Generation, TemplateSet

__all__ = ["Change", "Generation", "TemplateSet", "TemplateSets"]

FOLLOW_SECONDS = 0.5
REFUSED_SECONDS = 10.0
"""How long a set that did not fit is not tried again, unless this process writes to it."""
_MAX_TENANTS = 1_000
_PAGE = 16
"""Templates that are read at a time, packed: of each there are at most some megabytes."""
_TOO_MANY = "the templates of too many tenants are being loaded at the same time; try again"
_OF_SETS = 0.75
"""Of the budget, what packed templates and indexes may take; the rest is for baselines at least."""

MatchSettingsOf = Callable[[str], tuple[Weights, Thresholds]]
"""How the template set of a tenant is matched."""


class TemplateSets:
    """The template sets of the tenants that were asked for last."""

    def __init__(
        self,
        store: DiffStore,
        executor: Executor,
        monotonic: Callable[[], float],
        settings: MatchSettingsOf,
        most_tenants: int = _MAX_TENANTS,
        most_bytes: int = DEFAULT_BYTES,
    ) -> None:
        self._store = store
        self._executor = executor
        self._monotonic = monotonic
        self._settings = settings
        self._most_tenants = most_tenants
        self._most_bytes = most_bytes
        self._most_of_sets = int(most_bytes * _OF_SETS)
        self._ready = ReadyBaselines(most_bytes)
        self._sets: dict[str, TemplateSet] = {}
        self._held = 0

    @property
    def memory(self) -> int:
        """Bytes that everything takes, about."""
        return self._held + self._ready.bytes

    def look(self) -> None:
        """Set the gauges; see `systemzero_runtime.operations.sampler`."""
        metrics.TENANTS.set(len(self._sets))
        metrics.TEMPLATES.set(sum(len(found.baselines) for found in self._sets.values()))
        metrics.BASELINES.set(len(self._ready))
        metrics.TEMPLATE_BYTES.set(self.memory)

    async def of(self, tenant: str) -> TemplateSet:
        """The tenant's templates, as fresh as the first invariant says.

        Raises:
            TooLarge: they do not fit into memory by themselves.
            Overloaded: so many tenants' are being loaded that these had to give way.
        """
        found = self._sets.pop(tenant, None) or TemplateSet(*self._settings(tenant), self._ready)
        self._sets[tenant] = found  # last: the first is the one not used for longest
        self._make_room()
        # What this process wrote is waited for. For what others did one read in a while goes and
        # looks, and those that come meanwhile are answered from what is there.
        if found.is_behind or (self._is_old(found) and not found.lock.locked()):
            async with found.lock:
                if self._has(tenant, found) and (found.is_behind or self._is_old(found)):
                    await self._follow(tenant, found)
        if (found.refused or found.is_behind) and not self._has(tenant, found):
            return await self.of(tenant)  # dropped meanwhile, for others or for what it grew to
        if found.refused is not None:
            raise found.refused
        return found

    def _has(self, tenant: str, found: TemplateSet) -> bool:
        return self._sets.get(tenant) is found

    def _is_old(self, found: TemplateSet) -> bool:
        seconds = FOLLOW_SECONDS if found.refused is None else REFUSED_SECONDS
        return self._monotonic() - found.read_at > seconds

    def stale(self, tenant: str) -> None:
        """This process wrote to the tenant's templates or decisions: read before the next use."""
        if tenant in self._sets:
            self._sets[tenant].writes += 1
            self._sets[tenant].read_at = float("-inf")

    async def _follow(self, tenant: str, found: TemplateSet) -> None:
        started, writes = self._monotonic(), found.writes
        found.refused = None
        if not found.is_loaded:
            metrics.SETS_LOADED.inc()
        while not await self._read_on(tenant, found):
            if not self._has(tenant, found):
                raise Overloaded(_TOO_MANY, retry_after=FOLLOW_SECONDS)
        found.is_loaded = found.is_loaded or found.refused is None
        if found.writes == writes:  # what was written meanwhile may not be in what was read
            found.read_at = started

    async def _read_on(self, tenant: str, found: TemplateSet) -> bool:
        """Take in the next changes; whether that was all, or all that there is room for."""
        after, decided = found.position, found.decision_position
        changed, decisions = await self._store.read(tenant, lambda t: _read(t, after, decided))
        if changed:
            loop = asyncio.get_running_loop()
            index, executor = found.index, self._executor
            found.apply(await loop.run_in_executor(executor, lambda: _prepare(index, changed)))
        if decisions is not None:
            found.decide(*decisions)
        self._account(tenant, found)
        return found.refused is not None or (decisions is not None and decisions[0] == decided)

    def _account(self, tenant: str, found: TemplateSet) -> None:
        """Count what `found` takes now, and have it fit."""
        if not self._has(tenant, found):
            return
        memory = found.memory
        if memory > self._most_of_sets:
            found.refused = _does_not_fit(memory, self._most_of_sets)
            if found.is_loaded:  # calls under way use it
                self._drop(tenant)
                return
            found.empty()
            memory = found.memory
        self._held += memory - found.held
        found.held = memory
        self._make_room()

    def _make_room(self) -> None:
        """Drop sets until the others fit, but for the last; baselines get what is left."""
        while len(self._sets) > 1 and (
            len(self._sets) > self._most_tenants or self._held > self._most_of_sets
        ):
            self._drop(next(iter(self._sets)))
        self._ready.limit(self._most_bytes - self._held)

    def _drop(self, tenant: str) -> None:
        gone = self._sets.pop(tenant)
        self._held -= gone.held
        gone.baselines.release()


def _does_not_fit(actual: int, limit: int) -> TooLarge:
    return TooLarge(
        f"the tenant's templates and decisions take {actual:,} bytes in memory, more than the "
        f"{limit:,} that one tenant's may: delete templates, or have template_bytes raised",
        metadata={"limit": str(limit), "actual": str(actual)},
    )


def _read(
    transaction: Transaction, after: int, decided: int
) -> tuple[Sequence[PackedTemplate], tuple[int, Sequence[Decision]] | None]:
    """The next changes; with the last of them the next decisions.

    What finds neither has read all of one moment.
    """
    changed = transaction.template_changes(after, _PAGE)
    return changed, transaction.decisions_after(decided) if len(changed) < _PAGE else None


def _prepare(index: TemplateIndex, changed: Iterable[PackedTemplate]) -> list[Change]:
    return [
        Change(packed, None) if packed.deleted else _entered(index, packed) for packed in changed
    ]


def _entered(index: TemplateIndex, packed: PackedTemplate) -> Change:
    template = packed.unpacked()
    nodes = 0 if template.tree is None else len(template.tree)
    return Change(packed, index.entry_of(template), template.valid_transitions, nodes)
