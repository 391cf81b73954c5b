"""What a match is, and why it is this one, or none: in English."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from systemzero_core.match.features import Tokens
from systemzero_core.match.fitting import Fit, agreement_of
from systemzero_core.match.page import Agreement
from systemzero_core.match.ranking import Ranked
from systemzero_core.match.score import FeatureScore, Weights, explain_score
from systemzero_core.match.thresholds import Thresholds

_CLOSE: Final = 0.02
"""A screen whose score is no further from the best one's is told beside it."""
_ANOTHER: Final = {
    Agreement.TURNED: "; another tab is chosen there",
    Agreement.CONTRADICTS: "; its address and title are another screen's",
    Agreement.ELSEWHERE: "; its address is another screen's",
}


class MatchResult(NamedTuple):
    """One template and how well it fits.

    Attributes:
        template_id: the template.
        screen_id: the screen that it describes.
        version: its version.
        score: from 0 to 1.
        features: what the score is made of; the sum of score x weight.
        exact: the full digests are equal: the capture is the baseline.
    """

    template_id: str
    screen_id: str
    version: int
    score: float
    features: tuple[FeatureScore, ...]
    exact: bool


def result_of(ranked: Ranked, capture: Tokens, weights: Weights) -> MatchResult:
    """A ranked template, with what its score is made of."""
    entry = ranked.entry
    features = explain_score(capture, entry.tokens, weights)
    return MatchResult(
        entry.template_id, entry.screen_id, entry.version, ranked.score, features, False
    )


def said(result: MatchResult) -> str:
    """What a result scores."""
    return f"screen “{result.screen_id}” scores {result.score:.2f} ({_parts(result.features)})"


def nothing_said(
    nearest: Ranked | None,
    fit: Fit,
    capture: Tokens,
    weights: Weights,
    thresholds: Thresholds,
) -> str:
    """Why no template is the screen's, the nearest one given."""
    if nearest is None:
        return "no template has anything in common with this capture"
    best = result_of(nearest, capture, weights)
    if fit.bare is not None:
        return (
            f"this is the page of screen “{best.screen_id}”, without what stands over it there: "
            f"another state of it, which was not learnt; {said(best)}"
        )
    agreement = agreement_of(nearest, capture)
    return (
        f"no template reaches the threshold {thresholds.of(agreement):.2f}; the nearest is "
        f"{said(best)}{_ANOTHER.get(agreement, '')}. Most was lost to {_losses(best.features)}"
    )


def rivals_said(ranked: Iterable[Ranked], best: Ranked | None) -> str:
    """Which other screens fit about as well as `best`; nothing where none does."""
    close = [
        f"“{each.entry.screen_id}” {each.score:.2f}"
        for each in ranked
        if best is not None
        and each.entry.screen_id != best.entry.screen_id
        and abs(each.score - best.score) <= _CLOSE
    ]
    return f"; about as near is {' and '.join(dict.fromkeys(close))}" if close else ""


def _parts(features: Sequence[FeatureScore]) -> str:
    return ", ".join(f"{f.name.replace('_', ' ')} {f.score:.2f}" for f in features)


def _losses(features: Sequence[FeatureScore]) -> str:
    losses = sorted(features, key=lambda f: -(1 - f.score) * f.weight)[:2]
    return "; ".join(f"{f.name.replace('_', ' ')}: {f.detail}" for f in losses if f.score < 1)
