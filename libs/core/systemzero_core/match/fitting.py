"""Which of the best fits is the screen: by its own threshold, and by what stands over it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.match.features import Tokens
from systemzero_core.match.page import Agreement
from systemzero_core.match.ranking import Ranked
from systemzero_core.match.score import Weights, score
from systemzero_core.match.thresholds import Thresholds

_BY_CONTENT = (Agreement.CONTRADICTS, Agreement.TURNED, Agreement.ELSEWHERE)


class Fit(NamedTuple):
    """The template that is taken for the screen's; else why the nearest is not.

    Attributes:
        taken: the template.
        bare: one whose page this is, but not what stands over it there.
    """

    taken: Ranked | None = None
    bare: Ranked | None = None


def fit_of(
    ranked: Sequence[Ranked], capture: Tokens, weights: Weights, thresholds: Thresholds
) -> Fit:
    """The first that reaches its threshold, unless something stands over it that is not here.

    Such a one is the same page in another state, and so is what fits less well: the screen is none
    of them.
    """
    for each in ranked:
        agreement = agreement_of(each, capture)
        reached = each.score
        if agreement in _BY_CONTENT:
            reached = score(capture, each.entry.tokens, _of_content(weights))
        if reached < thresholds.of(agreement):
            continue
        if agreement is Agreement.AGREES and _is_bare(each, capture):
            return Fit(bare=each)
        return Fit(each)
    return Fit()


def agreement_of(ranked: Ranked, capture: Tokens) -> Agreement:
    """Whether a template and a capture are of one page, by what they say and show of it."""
    tokens = ranked.entry.tokens.tokens
    if tokens is None:
        return Agreement.UNKNOWN
    if capture.situation.turned_from(tokens.situation):
        return Agreement.TURNED
    return capture.claims.agreement(tokens.claims)


def _is_bare(ranked: Ranked, capture: Tokens) -> bool:
    tokens = ranked.entry.tokens.tokens
    return tokens is not None and capture.situation.lacks_over(tokens.situation)


def _of_content(weights: Weights) -> Weights:
    """`weights` without what pages say they are; as they are where there is nothing else."""
    try:
        return msgspec.structs.replace(weights, page=0.0, identifiers=0.0)
    except InvalidInput:
        return weights
