"""Secrets among the texts of a tree: taken out of all of them in one pass, in linear time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from systemzero_core.normalize.text import normal_text

MARK: Final = "(redacted)"
"""What stands in the place of a secret: the same for every length, and itself in every format."""
INSIDE: Final = 4
"""Characters from which a secret is looked for inside of other texts; shorter ones would be found
in what has nothing to do with them."""
ALONE: Final = 3
"""Characters from which a text that is nothing but the secret is one."""
MOST: Final = 200
"""Secrets that are looked for inside of other texts; beyond, texts that are one as a whole go."""

_BETWEEN, _HERE = "\0", "\1"
_PURGED: Final = {0: "\ufffd", 1: "\ufffd"}


def without(texts: Sequence[str], secrets: Collection[str]) -> list[str]:
    """`texts`, each secret in them replaced by the mark."""
    known = {secret for secret in secrets if len(secret) >= ALONE}
    whole = [_HERE if text in known else text.translate(_PURGED) for text in texts]
    joined = _BETWEEN.join(whole)
    for secret in inside(known):
        joined = joined.replace(secret.translate(_PURGED), _HERE)
    return joined.replace(_HERE, MARK).split(_BETWEEN)


def inside(secrets: Iterable[str]) -> list[str]:
    """Those that are looked for inside of other texts, the longest first."""
    found = {form for s in secrets if len(s) >= INSIDE for form in (s, normal_text(s))}
    ordered = sorted((form for form in found if len(form) >= INSIDE), key=lambda s: (-len(s), s))
    return ordered[:MOST]


def is_among(texts: Iterable[str], secrets: Collection[str]) -> bool:
    """Whether a secret stands in any of `texts`."""
    given = list(texts)
    joined = _BETWEEN.join(given)
    known = {secret for secret in secrets if len(secret) >= ALONE}
    return any(secret in joined for secret in inside(known)) or not known.isdisjoint(given)
