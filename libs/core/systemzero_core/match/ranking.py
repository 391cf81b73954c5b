"""What is ranked, in which order, and the ranking that everything faster must equal."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from typing import NamedTuple

from systemzero_core.match.features import TemplateTokens, Tokens, template_tokens
from systemzero_core.match.score import DEFAULT_WEIGHTS, Weights, score
from systemzero_core.template.model import Template

LEAST_SCORE = 0.1
"""Below this a capture and a template share commonplaces; such templates are never results."""

_ENTRY = 1_500
"""Bytes of an entry but for its tokens: ids, digests, its places in an index's dictionaries."""


class Entry(NamedTuple):
    """A template as the index holds it."""

    template_id: str
    screen_id: str
    version: int
    tokens: TemplateTokens
    full_signature: str

    @classmethod
    def of(cls, template: Template, *, layout: bool = False) -> Entry:
        """The entry of a template; see `template_tokens`."""
        return cls(
            template.template_id,
            template.screen_id,
            template.version,
            template_tokens(template, layout=layout),
            template.full_signature,
        )

    @property
    def memory(self) -> int:
        """Bytes that the entry takes, about."""
        return _ENTRY + self.tokens.memory


class Ranked(NamedTuple):
    """A template and its score, from 0 to 1. `exact`: the full digests are equal."""

    entry: Entry
    score: float
    exact: bool = False


def brute_force(
    entries: Iterable[Entry],
    capture: Tokens,
    k: int = 5,
    full_signature: str = "",
    weights: Weights = DEFAULT_WEIGHTS,
) -> list[Ranked]:
    """What `TemplateIndex.query` must answer, by comparing every entry."""
    held = list(entries)
    equal = [e for e in held if e.full_signature and e.full_signature == full_signature]
    if equal:
        return sorted((Ranked(entry, 1.0, True) for entry in equal), key=ranking_order)[:k]
    ranked = [Ranked(entry, score(capture, entry.tokens, weights)) for entry in held]
    return sorted((r for r in ranked if r.score >= LEAST_SCORE), key=ranking_order)[:k]


def ranking_order(ranked: Ranked) -> tuple[float, str]:
    """Sort key: the better score first, equal scores by template id."""
    return (-ranked.score, ranked.entry.template_id)


def keep(best: list[Ranked], ranked: Ranked, k: int) -> None:
    """Put `ranked` into `best`, which is in order and stays at most `k` long."""
    if ranked.score >= LEAST_SCORE and (
        len(best) < k or ranking_order(ranked) < ranking_order(best[-1])
    ):
        insort(best, ranked, key=ranking_order)
        del best[k:]
