"""Templates: baselines of screens, their policy, how they are written down and learnt.

See `docs/design/templates.md`.
"""

from systemzero_core.template.find import Finder
from systemzero_core.template.infer import Inference
from systemzero_core.template.learn import Learned, learn, refine
from systemzero_core.template.model import (
    DEFAULT_BOX_TOLERANCE,
    STRICT_POLICY,
    MatchLevel,
    Noise,
    Order,
    Policy,
    Rows,
    Rule,
    Scope,
    Selector,
    Template,
)
from systemzero_core.template.patterns import ANYTHING, compile_pattern, covering, escape
from systemzero_core.template.policy_filter import PolicyFilter
from systemzero_core.template.resolve import CompiledPolicy, Effective, PolicyView
from systemzero_core.template.update import next_version, rebased, signed
from systemzero_core.template.validate import validate
from systemzero_core.template.yaml_decode import from_yaml, violations_of
from systemzero_core.template.yaml_encode import to_yaml

__all__ = [
    "ANYTHING",
    "DEFAULT_BOX_TOLERANCE",
    "STRICT_POLICY",
    "CompiledPolicy",
    "Effective",
    "Finder",
    "Inference",
    "Learned",
    "MatchLevel",
    "Noise",
    "Order",
    "Policy",
    "PolicyFilter",
    "PolicyView",
    "Rows",
    "Rule",
    "Scope",
    "Selector",
    "Template",
    "compile_pattern",
    "covering",
    "escape",
    "from_yaml",
    "learn",
    "next_version",
    "rebased",
    "refine",
    "signed",
    "to_yaml",
    "validate",
    "violations_of",
]
