"""Which screen is this? Captures against templates, scored per feature; see docs/design/match.md.

Typical use::

    index = TemplateIndex(templates)
    answer = match(index, index.tokens_of(tree), full_signature=signatures.full.hex(), hint="home")
    if answer.chosen is None: ...  # UNKNOWN_SCREEN, answer.explanation says why
"""

from systemzero_core.match.features import (
    Feature,
    TemplateTokens,
    Tokens,
    template_tokens,
    tokens_of,
)
from systemzero_core.match.index import TemplateIndex
from systemzero_core.match.ranking import Entry, Ranked, brute_force
from systemzero_core.match.saying import MatchResult
from systemzero_core.match.score import (
    DEFAULT_WEIGHTS,
    FeatureScore,
    Weights,
    explain_score,
    score,
)
from systemzero_core.match.search import MatchAnswer, identify, match
from systemzero_core.match.thresholds import DEFAULT_THRESHOLDS, Thresholds

__all__ = [
    "DEFAULT_THRESHOLDS",
    "DEFAULT_WEIGHTS",
    "Entry",
    "Feature",
    "FeatureScore",
    "MatchAnswer",
    "MatchResult",
    "Ranked",
    "TemplateIndex",
    "TemplateTokens",
    "Thresholds",
    "Tokens",
    "Weights",
    "brute_force",
    "explain_score",
    "identify",
    "match",
    "score",
    "template_tokens",
    "tokens_of",
]
