"""The work budget: a promise of an answer, whatever the trees.

Steps are counted, not seconds, so that a degraded answer is the same on every machine.
"""

from __future__ import annotations

import msgspec


class Budget(msgspec.Struct, frozen=True):
    """How much work one diff may do.

    Attributes:
        steps: comparisons of one node with another that are spent on finding the best partner;
            about a microsecond each. Past it the rest is aligned by role, name and place alone.
    """

    steps: int = 2_000_000


DEFAULT_BUDGET = Budget()
"""About two seconds at the very most."""
