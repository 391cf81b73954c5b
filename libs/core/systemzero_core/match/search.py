"""From ranked templates to an answer: this screen, or none, and why.

A screen hint is evidence, not an order. It lets the hinted screen's template in at a lower score
(a release that changed much is still the same screen), and settles a near tie in its favour; it
is rejected when another screen fits clearly better, and the answer says so.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from systemzero_core.match.features import Tokens
from systemzero_core.match.fitting import Fit, fit_of
from systemzero_core.match.index import TemplateIndex
from systemzero_core.match.ranking import Ranked, ranking_order
from systemzero_core.match.saying import MatchResult, nothing_said, result_of, rivals_said, said
from systemzero_core.match.score import FeatureScore, score
from systemzero_core.match.thresholds import DEFAULT_THRESHOLDS, Thresholds

_LOOKED_AT: Final = 5
"""So many of the best fits may be the screen: the best may be of another page, by its address."""


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
    wanted, fit = hinted, Fit()
    if hinted is None or rejected:
        fit = fit_of(found[:_LOOKED_AT], capture, index.weights, thresholds)
        wanted = fit.taken
    if hinted and rejected and fit.bare and hinted.score >= thresholds.hinted:
        wanted, rejected = hinted, ""  # what fits better is a state that this is not
    ranked = found[:k]
    for each in (wanted, fit.bare, hinted):
        if each and all(each.entry.template_id != r.entry.template_id for r in ranked):
            ranked = [*ranked, each]
    results = {r.entry.template_id: result_of(r, capture, index.weights) for r in ranked}
    listed = tuple(results.values())
    if wanted is None:
        nearest = fit.bare or next(iter(ranked), None)
        why = nothing_said(nearest, fit, capture, index.weights, thresholds)
        return MatchAnswer(listed, None, why + rivals_said(found, nearest), rejected)
    chosen = results[wanted.entry.template_id]
    if hinted is not None and not rejected:
        return MatchAnswer(listed, chosen, f"hinted {said(chosen)}", rejected)
    return MatchAnswer(listed, chosen, said(chosen) + rivals_said(found, wanted), rejected)


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
        chosen = result_of(hinted, capture, index.weights)
        return MatchAnswer((chosen,), chosen, f"hinted {said(chosen)}")
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
    equals = f"screen “{chosen.screen_id}”: the capture equals its baseline"
    return MatchAnswer(results[:k], chosen, equals, rejected)


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
