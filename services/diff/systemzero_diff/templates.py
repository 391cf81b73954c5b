"""The templates of each tenant, ready for matching: loaded from the store, and following it.

Invariants:
1. What this process wrote is seen by its next read; what another wrote, within `FOLLOW_SECONDS`.
2. Readers never wait for a rebuild, nor for each other while one looks for what other processes
   wrote: the index publishes whole snapshots.
3. `generation` changes whenever anything a verdict may rest on does, decisions included, and no
   two states of a tenant share one, also when its set is dropped and loaded anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import Executor

from systemzero_core.drift import Decision
from systemzero_core.match import (
    MatchAnswer,
    TemplateIndex,
    Thresholds,
    Weights,
    identify,
    match,
)
from systemzero_core.match.ranking import Entry
from systemzero_core.tree import Tree
from systemzero_diff import metrics
from systemzero_diff.model import StoredTemplate
from systemzero_diff.store import DiffStore, Transaction
from systemzero_diff.work.baselines import Baseline, baseline_of

FOLLOW_SECONDS = 0.5
_MAX_TENANTS = 1_000

MatchSettingsOf = Callable[[str], tuple[Weights, Thresholds]]
"""How the template set of a tenant is matched."""

Generation = tuple[int, int]
"""Positions, in the order of commits, of the last template version and decision read."""


class TemplateSet:
    """One tenant's templates and decisions in force."""

    def __init__(self, weights: Weights, thresholds: Thresholds) -> None:
        self.index = TemplateIndex(weights=weights)
        self.thresholds = thresholds
        self.baselines: dict[str, Baseline] = {}
        self.transitions: dict[str, tuple[str, ...]] = {}
        self.decisions: list[Decision] = []
        self.position = 0
        self.decision_position = 0
        self.read_at = float("-inf")
        self.writes = 0
        self.lock = asyncio.Lock()

    @property
    def generation(self) -> Generation:
        """See the third invariant."""
        return self.position, self.decision_position

    @property
    def is_behind(self) -> bool:
        """Whether it was never read, or this process has written since."""
        return self.read_at == float("-inf")

    def match(self, tree: Tree, full_digest: bytes, hint: str, k: int) -> MatchAnswer:
        """The templates that fit `tree`, by the weights and thresholds of this set."""
        return match(
            self.index,
            self.index.tokens_of(tree),
            full_signature=full_digest.hex(),
            hint=hint,
            k=k,
            thresholds=self.thresholds,
        )

    def identify(self, tree: Tree, full_digest: bytes, hint: str) -> MatchAnswer:
        """As `match`, where nothing but the template chosen is asked for."""
        return identify(
            self.index,
            self.index.tokens_of(tree),
            full_signature=full_digest.hex(),
            hint=hint,
            thresholds=self.thresholds,
        )

    def matched(self, find: Callable[[], MatchAnswer]) -> tuple[MatchAnswer, Baseline | None]:
        """The answer of `find`, a search of the index, with the baseline that it chose.

        Index and baselines are updated one after the other, while searches go on in other threads:
        a search that fell between the two is made again.
        """
        while True:
            answer = find()
            if answer.chosen is None:
                return answer, None
            baseline = self.baselines.get(answer.chosen.template_id)
            if baseline is not None and baseline.template.version == answer.chosen.version:
                return answer, baseline

    def apply(
        self,
        changes: Iterable[tuple[StoredTemplate, Baseline, Entry]],
        decisions: list[Decision],
        decision_position: int,
    ) -> None:
        """Take in what changed in the store, decisions up to `decision_position`."""
        entries, removed = [], []
        for stored, baseline, entry in changes:
            template = stored.template
            self.position = max(self.position, stored.position)
            if stored.deleted:
                removed.append(template.template_id)
                self.baselines.pop(template.template_id, None)
                self.transitions.pop(template.screen_id, None)
            else:
                entries.append(entry)
                self.baselines[template.template_id] = baseline
                self.transitions[template.screen_id] = template.valid_transitions
        if entries or removed:
            self.index.update_entries(entries, removed)
        self.decisions = [*self.decisions, *decisions]
        self.decision_position = decision_position


class TemplateSets:
    """The template sets of the tenants that were asked for last."""

    def __init__(
        self,
        store: DiffStore,
        executor: Executor,
        monotonic: Callable[[], float],
        settings: MatchSettingsOf,
        most_tenants: int = _MAX_TENANTS,
    ) -> None:
        self._store = store
        self._executor = executor
        self._monotonic = monotonic
        self._settings = settings
        self._most_tenants = most_tenants
        self._sets: dict[str, TemplateSet] = {}

    def look(self) -> None:
        """Set the gauges; see `systemzero_chassis.vitals`."""
        metrics.TENANTS.set(len(self._sets))
        metrics.TEMPLATES.set(sum(len(found.baselines) for found in self._sets.values()))

    async def of(self, tenant: str) -> TemplateSet:
        """The tenant's templates, as fresh as the first invariant says."""
        found = self._sets.pop(tenant, None)
        if found is None:
            if len(self._sets) >= self._most_tenants:
                self._sets.pop(next(iter(self._sets)))
            found = TemplateSet(*self._settings(tenant))
        self._sets[tenant] = found  # last: the first is the one not used for longest
        # What this process wrote is waited for. For what others did one read in a while goes and
        # looks, and those that come meanwhile are answered from what is there.
        if found.is_behind or (self._is_old(found) and not found.lock.locked()):
            async with found.lock:
                if found.is_behind or self._is_old(found):
                    await self._follow(tenant, found)
        return found

    def _is_old(self, found: TemplateSet) -> bool:
        return self._monotonic() - found.read_at > FOLLOW_SECONDS

    def stale(self, tenant: str) -> None:
        """This process wrote to the tenant's templates or decisions: read before the next use."""
        if tenant in self._sets:
            self._sets[tenant].writes += 1
            self._sets[tenant].read_at = float("-inf")

    async def _follow(self, tenant: str, found: TemplateSet) -> None:
        started, writes = self._monotonic(), found.writes

        def read(
            transaction: Transaction,
        ) -> tuple[list[StoredTemplate], int, list[Decision]]:
            last, decisions = transaction.decisions_after(found.decision_position)
            return list(transaction.template_changes(found.position)), last, list(decisions)

        changed, last, decisions = await self._store.read(tenant, read)
        if changed or decisions:
            loop = asyncio.get_running_loop()
            prepared = await loop.run_in_executor(self._executor, lambda: _prepare(found, changed))
            found.apply(prepared, decisions, last)
        if found.writes == writes:  # what was written meanwhile may not be in what was read
            found.read_at = started


def _prepare(
    templates: TemplateSet,
    changed: Iterable[StoredTemplate],
) -> list[tuple[StoredTemplate, Baseline, Entry]]:
    index = templates.index
    return [(s, baseline_of(s.template), index.entry_of(s.template)) for s in changed]
