"""One tenant's templates: an index to search, baselines to compare with, decisions in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from systemzero_core.drift import Decision
from systemzero_core.errors import TooLarge
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
from systemzero_diff.store.packed import PackedTemplate
from systemzero_diff.templates.baselines import Baselines, ReadyBaselines
from systemzero_diff.templates.decided import DecisionsInForce
from systemzero_diff.work.baselines import Baseline

DEFAULT_BYTES = 256_000_000

Generation = tuple[int, int]
"""Positions, in the order of commits, of the last template version and decision read."""


class Change(NamedTuple):
    """A version; its entry in the index unless it is deleted, what may follow it, its nodes."""

    packed: PackedTemplate
    entry: Entry | None
    transitions: tuple[str, ...] = ()
    nodes: int = 0


class TemplateSet:
    """One tenant's templates and decisions in force.

    Attributes:
        position: of the last version taken in.
        decision_position: of the last decision.
        read_at: when it was read, in seconds; minus infinity where it has to be.
        writes: how often this process has written since it was there.
        is_loaded: whether it was whole once.
        refused: why it is not served.
        held: bytes that whoever keeps it has counted for it.
        lock: of whoever reads the store for it.
    """

    def __init__(
        self, weights: Weights, thresholds: Thresholds, ready: ReadyBaselines | None = None
    ) -> None:
        self.index = TemplateIndex(weights=weights)
        self.thresholds = thresholds
        self.baselines = Baselines(ReadyBaselines(DEFAULT_BYTES) if ready is None else ready)
        self.transitions: dict[str, tuple[str, ...]] = {}
        self.decisions = DecisionsInForce()
        self.position = 0
        self.decision_position = 0
        self.read_at = float("-inf")
        self.writes = 0
        self.is_loaded = False
        self.refused: TooLarge | None = None
        self.held = 0
        self.lock = asyncio.Lock()

    @property
    def generation(self) -> Generation:
        """See the third invariant."""
        return self.position, self.decision_position

    @property
    def is_behind(self) -> bool:
        """Whether it was never read, or this process has written since."""
        return self.read_at == float("-inf")

    @property
    def memory(self) -> int:
        """Bytes that it takes without its baselines, about."""
        return self.index.memory + self.baselines.packed_bytes + self.decisions.memory

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
            packed = self.baselines.packed(answer.chosen.template_id)
            if packed is not None and packed.version == answer.chosen.version:
                return answer, self.baselines.made(packed)

    def empty(self) -> None:
        """Have nothing, as before the first read; for a set that nobody has used yet."""
        self.index = TemplateIndex(weights=self.index.weights)
        self.baselines.clear()
        self.transitions.clear()
        self.decisions = DecisionsInForce()
        self.position = self.decision_position = 0

    def decide(self, position: int, decisions: Sequence[Decision]) -> None:
        """Take in new decisions, of which `position` is the last."""
        self.decision_position = position
        self.decisions.put(decisions)

    def apply(self, changes: Iterable[Change]) -> None:
        """Take in what changed in the store."""
        entries, removed = [], []
        for packed, entry, transitions, nodes in changes:
            self.position = max(self.position, packed.position)
            if entry is None:
                removed.append(packed.template_id)
                self.baselines.drop(packed.template_id)
                self.transitions.pop(packed.screen_id, None)
            else:
                entries.append(entry)
                self.baselines.put(packed, nodes)
                self.transitions[packed.screen_id] = transitions
        if entries or removed:
            self.index.update_entries(entries, removed)
