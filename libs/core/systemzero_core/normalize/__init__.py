"""The normal form of a tree. Written down in `docs/design/normal-form.md`.

Invariants, for every tree `t` and filter set `f`:
1. `normalize(normalize(t, f), f) == normalize(t, f)`.
2. The same tree gives the same answer in every process; the time is linear in the size of the tree.
3. The root stays; document order stays.
"""

from __future__ import annotations

from systemzero_core.normalize.filters import DEFAULT_FILTERS, Filter, FilterSet
from systemzero_core.normalize.nodes import NORMAL_FORM_VERSION
from systemzero_core.normalize.roles import aria_role
from systemzero_core.normalize.text import normal_text
from systemzero_core.normalize.walk import Normalized, Removal, explain, normalize

__all__ = [
    "DEFAULT_FILTERS",
    "NORMAL_FORM_VERSION",
    "Filter",
    "FilterSet",
    "Normalized",
    "Removal",
    "aria_role",
    "explain",
    "normal_text",
    "normalize",
]
