"""How well a capture fits a template: one number, and what it is made of.

score = sum of weight x feature score over the features that either side has, weights normalised
to 1. With A and B the tokens of capture and template:

- required nodes: share of the template's required nodes that the capture has;
- every other feature: |A and B| / |A or B| (Jaccard), so that what one side has beyond the other
  costs on either side;
- a feature that neither side has says nothing and is left out.

A template without a baseline tree says nothing of most features. Those count half of what its
required nodes score, so that a handful of found nodes identifies a screen, but never beats a
template that was compared whole.

Invariants:
1. A score depends on this capture, this template and the weights alone, never on other templates.
2. Equal tokens score 1; a capture that lacks a token of the template, or has one beyond it,
   scores less than 1 wherever that token's feature has a weight.
3. The same inputs give the same float: integers are divided, then summed in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from math import fsum
from typing import NamedTuple

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.match.features import TWO_SIDED, Feature, TemplateTokens, Tokens

_SHOWN_MISSING = 3

Overlap = Callable[[Feature], int]
"""How many tokens of a feature capture and template share, or an upper bound of it."""


class Weights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much each feature counts, relative to the others; 0 leaves it out.

    The defaults keep required nodes, structure and roles at 40/40/20 and add names and
    identifiers; layout is off, since a resized window is the same screen. How they were chosen:
    `docs/design/match.md`.

    Attributes:
        required_nodes: the template's required nodes that are there.
        structure: nesting without roles and texts.
        roles: how often each role is there.
        names: accessible names in common.
        identifiers: stable identifiers in common.
        page: its address, title and main headings.
        layout: where things are, and how large.
    """

    required_nodes: float = 40.0
    structure: float = 40.0
    roles: float = 20.0
    names: float = 40.0
    identifiers: float = 10.0
    page: float = 100.0
    layout: float = 0.0

    def __post_init__(self) -> None:
        """Refuses negative weights and a sum of zero.

        Raises:
            InvalidInput: names the weight.
        """
        for name in self.__struct_fields__:
            if not 0.0 <= getattr(self, name) <= 1e6:
                raise InvalidInput.at(f"weights.{name}", "must lie between 0 and 1,000,000")
        if not self.total:
            raise InvalidInput.at("weights", "at least one must be above 0")

    @property
    def total(self) -> float:
        """The sum of the weights."""
        return fsum(self.of(feature) for feature in Feature)

    def two_sided(self) -> tuple[tuple[Feature, float], ...]:
        """The features that are compared both ways and have a weight, in order."""
        return _two_sided(self)

    def of(self, feature: Feature) -> float:
        """The weight of a feature."""
        weight: float = getattr(self, feature.value)
        return weight


@lru_cache(maxsize=64)
def _two_sided(weights: Weights) -> tuple[tuple[Feature, float], ...]:
    return tuple((f, weight) for f in TWO_SIDED if (weight := weights.of(f)))


DEFAULT_WEIGHTS = Weights()
"""Required nodes, structure and roles 40/40/20, names 40, identifiers 10, page 100."""


class FeatureScore(NamedTuple):
    """One feature's part in a score.

    Attributes:
        name: the feature.
        score: from 0 to 1.
        weight: its share; the weights of one match sum up to 1.
        detail: what the score comes from, in English.
    """

    name: str
    score: float
    weight: float
    detail: str


def score(capture: Tokens, template: TemplateTokens, weights: Weights = DEFAULT_WEIGHTS) -> float:
    """The score alone, from 0 to 1. Linear in the template's tokens."""
    return score_of(capture, template, weights, lambda feature: shared(capture, template, feature))


def score_of(
    capture: Tokens, template: TemplateTokens, weights: Weights, overlap: Overlap
) -> float:
    """`score`, with the numbers of shared tokens given.

    Monotone, in floats too: overlaps that are too high never give a lower score.
    """
    parts = _parts(capture, template, weights, overlap)
    total = fsum(weight for _, _, weight, _ in parts)
    return fsum(value * weight for _, value, weight, _ in parts) / total if total else 0.0


def shared(capture: Tokens, template: TemplateTokens, feature: Feature) -> int:
    """How many tokens of `feature` the two have in common."""
    if feature is Feature.REQUIRED_NODES:
        return len(capture.present.intersection(template.required))
    if template.tokens is None:
        return 0
    return len(capture.sets[feature].intersection(template.tokens.arrays[feature]))


def explain_score(
    capture: Tokens, template: TemplateTokens, weights: Weights = DEFAULT_WEIGHTS
) -> tuple[FeatureScore, ...]:
    """The features' parts; the sum of score x weight is `score` but for rounding."""
    parts = _parts(capture, template, weights, lambda f: shared(capture, template, f))
    total = fsum(weight for _, _, weight, _ in parts) or 1.0
    return tuple(
        FeatureScore(
            feature.value, value, weight / total, _detail(feature, capture, template, common)
        )
        for feature, value, weight, common in parts
    )


def _parts(
    capture: Tokens, template: TemplateTokens, weights: Weights, overlap: Overlap
) -> list[tuple[Feature, float, float, int]]:
    """(feature, score, weight, tokens shared) of each feature that says something."""
    parts = []
    coverage = 0.0
    if template.required:
        found = overlap(Feature.REQUIRED_NODES)
        coverage = found / len(template.required)
        if weights.required_nodes:
            parts.append((Feature.REQUIRED_NODES, coverage, weights.required_nodes, found))
    if template.tokens is None:
        return parts + [(f, coverage / 2, weight, 0) for f, weight in weights.two_sided()]
    mine, theirs = capture.arrays, template.tokens.arrays
    for feature, weight in weights.two_sided():
        if both := len(mine[feature]) + len(theirs[feature]):
            common = overlap(feature)
            parts.append((feature, common / (both - common), weight, common))
    return parts


def _detail(feature: Feature, capture: Tokens, template: TemplateTokens, common: int) -> str:
    if feature is Feature.REQUIRED_NODES:
        return f"{common} of {len(template.required)} required nodes found" + _missing(
            capture, template
        )
    if template.tokens is None:
        return "the template has no baseline tree: half of what its required nodes score"
    only_capture = capture.size(feature) - common
    only_template = template.tokens.size(feature) - common
    return f"{common} shared, {only_template} only in the template, {only_capture} only here"


def _missing(capture: Tokens, template: TemplateTokens) -> str:
    present = capture.present
    missing = [
        label
        for token, label in zip(template.required, template.labels, strict=False)
        if token not in present
    ]
    absent = len(template.required) - len(present.intersection(template.required))
    if not missing:
        return ""
    more = f" and {absent - _SHOWN_MISSING} more" if absent > _SHOWN_MISSING else ""
    return f"; missing: {', '.join(missing[:_SHOWN_MISSING])}{more}"
