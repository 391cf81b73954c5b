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
from systemzero_core.template.patterns import ANYTHING, compile_pattern, covering, escape
from systemzero_core.template.resolve import CompiledPolicy, Effective, Matcher, PolicyView

__all__ = [
    "ANYTHING",
    "DEFAULT_BOX_TOLERANCE",
    "STRICT_POLICY",
    "CompiledPolicy",
    "Effective",
    "MatchLevel",
    "Matcher",
    "Order",
    "Policy",
    "PolicyView",
    "Rows",
    "Rule",
    "Scope",
    "Selector",
    "Template",
    "compile_pattern",
    "covering",
    "escape",
]
