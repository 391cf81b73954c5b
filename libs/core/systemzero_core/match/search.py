"""From ranked templates to an answer: this screen, or none, and why.

A screen hint is evidence, not an order. It lets the hinted screen's template in at a lower score
(a release that changed much is still the same screen), and settles a near tie in its favour; it
is rejected when another screen fits clearly better, and the answer says so.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

from systemzero_core.errors import InvalidInput
from systemzero_core.match.features import Tokens
from systemzero_core.match.index import TemplateIndex
from systemzero_core.match.page import Agreement
from systemzero_core.match.ranking import Ranked, ranking_order
from systemzero_core.match.score import FeatureScore, Weights, explain_score, score


class Thresholds(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which score on a template is taken for the screen. Measured: `docs/design/match.md`.

    Attributes:
        match: without a hint.
        agreeing_margin: how much lower it is where address and title agree: a page that was
            rewritten.
        contradicted_margin: how much higher it is where neither agrees: most likely another page of
            the application, with the same navigation around it. What pages say they are is then
            left out of the score.
        hinted: with a hint of that screen.
        hint_margin: by how much another screen may fit better than the hinted one.
    """

    match: float = 0.45
    agreeing_margin: float = 0.2
    contradicted_margin: float = 0.35
    hinted: float = 0.2
    hint_margin: float = 0.05

    def __post_init__(self) -> None:
        """Refuses what is no share, and a hint that would make a match harder.

        Raises:
            InvalidInput: names the threshold.
        """
        for name in self.__struct_fields__:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise InvalidInput.at(f"thresholds.{name}", "must lie between 0 and 1")
        if self.hinted > self.match:
            raise InvalidInput.at("thresholds.hinted", "must not be above thresholds.match")

    def of(self, agreement: Agreement) -> float:
        """The threshold without a hint."""
        if agreement is Agreement.AGREES:
            return max(self.match - self.agreeing_margin, 0.0)
        if agreement is Agreement.CONTRADICTS:
            return min(self.match + self.contradicted_margin, 1.0)
        return self.match


DEFAULT_THRESHOLDS = Thresholds()
"""0.45; 0.25 where address and title agree, 0.80 where neither does; 0.20 for a hinted screen,
unless another one fits better by more than 0.05."""

_LOOKED_AT: Final = 5
"""So many of the best fits may be the screen: the best may be of another page, by its address."""


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


class MatchAnswer(NamedTuple):
    """The answer to "which screen is this?".

    Attributes:
        results: the best fits, best first.
        chosen: the template taken for the screen's, or None: an unknown screen.
        explanation: why, in English.
        hint_rejected: why the hint was not followed, in English; empty when it was or none given.
    """

    results: tuple[MatchResult, ...]
    chosen: MatchResult | None
    explanation: str
    hint_rejected: str = ""


def match(
    index: TemplateIndex,
    capture: Tokens,
    *,
    full_signature: str = "",
    hint: str = "",
    k: int = 5,
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> MatchAnswer:
    """Find the template of a capture.

    Args:
        index: the templates.
        capture: tokens of the capture's normal form (`index.tokens_of`).
        full_signature: hex of the capture's full digest; a template that has it is the answer.
        hint: screen id or template id that the client believes this to be.
        k: at most this many results.
        thresholds: what counts as a match.
    """
    if equal := index.equal_to(full_signature):
        return _of_equals(equal, hint, k)
    hinted = _hinted(index, capture, hint)
    found = index.query(capture, max(k, _LOOKED_AT))
    rejected = _rejection(hint, hinted, found, thresholds)
    wanted = hinted
    if hinted is None or rejected:
        wanted = _fit(found[:_LOOKED_AT], capture, index.weights, thresholds)
    ranked = found[:k]
    for each in (wanted, hinted):
        if each and all(each.entry.template_id != r.entry.template_id for r in ranked):
            ranked = [*ranked, each]
    results = {r.entry.template_id: _result(r, capture, index.weights) for r in ranked}
    listed = tuple(results.values())
    if wanted is None:
        return MatchAnswer(listed, None, _nothing(listed, ranked, capture, thresholds), rejected)
    chosen = results[wanted.entry.template_id]
    said = _said(chosen)
    is_hinted = hinted is not None and not rejected
    return MatchAnswer(listed, chosen, f"hinted {said}" if is_hinted else said, rejected)


def identify(
    index: TemplateIndex,
    capture: Tokens,
    *,
    full_signature: str = "",
    hint: str = "",
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> MatchAnswer:
    """As `match` for one result, but nothing is looked for beside a hint that nothing can refute.

    Such a hint's template scores so much that a score of 1 would not be clearly better.
    """
    hinted = None if index.equal_to(full_signature) else _hinted(index, capture, hint)
    if (
        hinted
        and hinted.score + thresholds.hint_margin >= 1.0
        and not _rejection(hint, hinted, [hinted], thresholds)
    ):
        chosen = _result(hinted, capture, index.weights)
        return MatchAnswer((chosen,), chosen, f"hinted {_said(chosen)}")
    return match(
        index, capture, full_signature=full_signature, hint=hint, k=1, thresholds=thresholds
    )


def _of_equals(ranked: list[Ranked], hint: str, k: int) -> MatchAnswer:
    results = tuple(
        MatchResult(
            r.entry.template_id,
            r.entry.screen_id,
            r.entry.version,
            1.0,
            (FeatureScore("full_signature", 1.0, 1.0, "the capture equals the baseline"),),
            True,
        )
        for r in ranked
    )
    named = [r for r in results if hint in (r.screen_id, r.template_id)]
    chosen = (named or results)[0]
    rejected = ""
    if hint and not named:
        rejected = f"the capture equals the baseline of screen “{chosen.screen_id}”"
    said = f"screen “{chosen.screen_id}”: the capture equals its baseline"
    return MatchAnswer(results[:k], chosen, said, rejected)


def _hinted(index: TemplateIndex, capture: Tokens, hint: str) -> Ranked | None:
    entries = index.entries_of(hint) if hint else []
    ranked = [Ranked(e, score(capture, e.tokens, index.weights)) for e in entries]
    return min(ranked, key=ranking_order, default=None)


def _rejection(
    hint: str, hinted: Ranked | None, ranked: list[Ranked], thresholds: Thresholds
) -> str:
    if not hint:
        return ""
    if hinted is None:
        return f"no template is of screen “{hint}”"
    if hinted.score < thresholds.hinted:
        return (
            f"screen “{hint}” scores {hinted.score:.2f}, below the threshold "
            f"{thresholds.hinted:.2f} for a hinted screen"
        )
    best = ranked[0] if ranked else hinted
    if best.score > hinted.score + thresholds.hint_margin:
        return (
            f"screen “{hint}” scores {hinted.score:.2f}, but “{best.entry.screen_id}” "
            f"{best.score:.2f}"
        )
    return ""


def _result(ranked: Ranked, capture: Tokens, weights: Weights) -> MatchResult:
    entry = ranked.entry
    features = explain_score(capture, entry.tokens, weights)
    return MatchResult(
        entry.template_id, entry.screen_id, entry.version, ranked.score, features, False
    )


def _said(result: MatchResult) -> str:
    parts = ", ".join(f"{f.name.replace('_', ' ')} {f.score:.2f}" for f in result.features)
    return f"screen “{result.screen_id}” scores {result.score:.2f} ({parts})"


def _fit(
    ranked: list[Ranked], capture: Tokens, weights: Weights, thresholds: Thresholds
) -> Ranked | None:
    """The best that reaches its threshold."""
    for each in ranked:
        agreement = _agreement(each, capture)
        reached = each.score
        if agreement is Agreement.CONTRADICTS:
            reached = score(capture, each.entry.tokens, _of_content(weights))
        if reached >= thresholds.of(agreement):
            return each
    return None


def _of_content(weights: Weights) -> Weights:
    """`weights` without what pages say they are; as they are where there is nothing else."""
    try:
        return msgspec.structs.replace(weights, page=0.0, identifiers=0.0)
    except InvalidInput:
        return weights


def _agreement(ranked: Ranked, capture: Tokens) -> Agreement:
    tokens = ranked.entry.tokens.tokens
    return capture.claims.agreement(tokens.claims) if tokens else Agreement.UNKNOWN


def _nothing(
    results: tuple[MatchResult, ...],
    ranked: list[Ranked],
    capture: Tokens,
    thresholds: Thresholds,
) -> str:
    if not results:
        return "no template has anything in common with this capture"
    best, agreement = results[0], _agreement(ranked[0], capture)
    losses = sorted(best.features, key=lambda f: -(1 - f.score) * f.weight)[:2]
    why = "; ".join(f"{f.name.replace('_', ' ')}: {f.detail}" for f in losses if f.score < 1)
    another = ""
    if agreement is Agreement.CONTRADICTS:
        another = "; its address and title are another screen's"
    return (
        f"no template reaches the threshold {thresholds.of(agreement):.2f}; the nearest is "
        f"{_said(best)}{another}. Most was lost to {why}"
    )
