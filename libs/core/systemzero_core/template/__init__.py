"""Templates: baselines of screens, their policy, how they are written down and learnt.

See `docs/design/templates.md`.
"""

from systemzero_core.template.model import (
    DEFAULT_BOX_TOLERANCE,
    STRICT_POLICY,
    MatchLevel,
    Order,
    Policy,
    Rows,
    Rule,
    Scope,
    Selector,
    Template,
)

__all__ = [
    "DEFAULT_BOX_TOLERANCE",
    "STRICT_POLICY",
    "MatchLevel",
    "Order",
    "Policy",
    "Rows",
    "Rule",
    "Scope",
    "Selector",
    "Template",
]
