"""Who a line is about: kinds, counts and names."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from systemzero_core.diff.quoting import quoted, quoted_pair
from systemzero_core.grouping.facts import Fact
from systemzero_core.grouping.numbers import counted, listed, spelt
from systemzero_core.roles import CONTROLS

EXAMPLES: Final = 3
"""Names, or kinds, that a line gives as examples, at most; one more where it would be alone."""

_ICONS: Final = re.compile("[\ue000-\uf8ff\U000f0000-\U0010ffff]+")
"""Characters that fonts of icons use: to a reader of text they are nothing."""


def named(facts: Sequence[Fact]) -> str:
    """Each kind with its number and some names, controls first."""
    kinds: dict[str, list[Fact]] = {}
    for fact in sorted(facts, key=lambda f: (f.topic, f.step.role not in CONTROLS)):
        kinds.setdefault(fact.step.role, []).append(fact)
    return listed([_kind(role, them) for role, them in kinds.items()], EXAMPLES)


def _kind(role: str, facts: Sequence[Fact]) -> str:
    said = [name for fact in facts if (name := words_of(fact.label.name))]
    what = counted(len(facts), role) if len(facts) > 1 else spelt(role)
    inside = " with" if said and not any(fact.step.name for fact in facts) else ""
    return f"{what}{inside} {quotes(said)}" if said else what


def names(facts: Sequence[Fact]) -> str:
    """` (“a”, “b” and 3 more)`: the names of those that have one."""
    said = [fact.step.name for fact in facts if words_of(fact.step.name)]
    return f" ({quotes(said)})" if said else ""


def quotes(texts: Sequence[str]) -> str:
    """Some of `texts` in quotation marks, each once, and how many more there are."""
    return listed(list(dict.fromkeys(quote(text) for text in texts)), EXAMPLES)


def quote(text: str) -> str:
    """A text in quotation marks, without icons; of icons alone what they are."""
    said = words_of(text)
    return quoted(said) if said else "an icon"


def pair(old: str, new: str) -> tuple[str, str]:
    """Both texts as `quote` has them, cut so that what differs is seen."""
    a, b = words_of(old), words_of(new)
    if a and b and a != b:
        return quoted_pair(a, b)
    if a == b:
        return quote(old), f"{quote(new)} with another icon" if a else "another icon"
    return quote(old), quote(new)


def who(facts: Sequence[Fact]) -> str:
    """How many of what: `5 buttons`, and `7 parts` where they are of several kinds."""
    if len(facts) == 1:
        return _kind(facts[0].step.role, facts)
    roles = {fact.step.role for fact in facts}
    return counted(len(facts), roles.pop() if len(roles) == 1 else "part")


def words_of(name: str) -> str:
    """A name without icons."""
    return name if name.isascii() else _ICONS.sub("", name).strip()
