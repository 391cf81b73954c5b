"""A template: the approved baseline of one screen, in one version, and what it lets pass.

Invariants:
1. A template is a value; a change of any kind is a new version (`next_version`).
2. The policy belongs to the version and is carried into every later one unless it is replaced
   on purpose: an approval never loses it.
3. `tree` is in normal form, or None for templates of the older, signature-only layout.
4. Nothing here names a tenant; the store does.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from systemzero_core.tree import Tree

MAX_RULES = 2_000
"""Rules in one policy, at most."""

MAX_REQUIRED_NODES = 1_000
"""Required nodes of one template, at most."""

MAX_TRANSITIONS = 1_000
"""Screens that one screen may lead to, at most."""

DEFAULT_BOX_TOLERANCE = 8
"""Pixels by which an edge of a box may be off and count as unmoved, unless a policy says else."""


class MatchLevel(StrEnum):
    """What of a subtree is compared."""

    STRICT = "strict"
    """Everything a person or a program could notice; the default."""
    LAYOUT = "layout"
    """Roles, hierarchy, order and boxes; texts, values, states and attributes may be anything."""
    CONTENT = "content"
    """Texts, values and states; place, order, boxes, roles and attributes may be anything."""
    IGNORE = "ignore"
    """Nothing."""


class Scope(StrEnum):
    """How far a rule reaches from a node that it selects."""

    NODE = "node"
    SUBTREE = "subtree"


class Order(StrEnum):
    """Whether the order of children means anything."""

    ORDERED = "ordered"
    UNORDERED = "unordered"


class Selector(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which nodes are meant. A node is selected when every part that is given holds.

    `name` and the attributes' values are patterns (`template.patterns`): literal text with holes
    such as `{number}` or `{any}`. None means that the part is not looked at, "" that it is empty.

    Attributes:
        role: the role, exactly.
        name: pattern of the accessible name.
        attributes: pattern of the value of each attribute named.
        under: selectors of ancestors, outermost first; any number of nodes may lie between.
        nth: 1-based place, in document order, among the nodes that the rest selects below one and
            the same innermost ancestor of `under` (in the whole tree without `under`). The last
            resort: an insertion in front shifts it, though an update of the baseline puts it right.
    """

    role: str | None = None
    name: str | None = None
    attributes: dict[str, str] = {}
    under: tuple[Selector, ...] = ()
    nth: int = 0


class Rows(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often the nodes that a rule selects may repeat under one parent.

    Attributes:
        minimum: at least so many.
        maximum: at most so many; None for any number.
    """

    minimum: int = 0
    maximum: int | None = None


class Rule(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One rule of a policy. What is None or empty is left to earlier rules.

    Attributes:
        select: the nodes.
        scope: whether `level`, `order`, `box_tolerance` and `optional` reach the whole subtree or
            the selected node alone; the other parts always speak of the selected node alone.
        level: the match level.
        name: pattern that the name has to keep to; a name that does is no change.
        value: the same for the value.
        attributes: the same for attributes, by name; `states` stands for the state words, joined
            by blanks.
        order: whether the order of the children counts.
        optional: the node may be absent or present: with all that is below it, or, if the scope is
            the node, alone (a wrapper around what stays).
        rows: the node is one of a repeated kind, which may come and go within these bounds.
        box_tolerance: pixels by which an edge of the box may be off.
        why: for people: where the rule comes from.
    """

    select: Selector
    scope: Scope = Scope.SUBTREE
    level: MatchLevel | None = None
    name: str | None = None
    value: str | None = None
    attributes: dict[str, str] = {}
    order: Order | None = None
    optional: bool | None = None
    rows: Rows | None = None
    box_tolerance: int | None = None
    why: str = ""


class Policy(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a template lets pass.

    Of two rules that speak of the same thing, the one whose selected node is nearer holds (so a
    strict button can stand in an ignored panel); of two that select the same node, the later one.

    Attributes:
        level: match level of what no rule speaks of.
        box_tolerance: pixels by which an edge of any box may be off.
        rules: applied in order.
    """

    level: MatchLevel = MatchLevel.STRICT
    box_tolerance: int = DEFAULT_BOX_TOLERANCE
    rules: tuple[Rule, ...] = ()


STRICT_POLICY = Policy()
"""What holds where nobody said anything."""


class Noise(msgspec.Struct, frozen=True, omit_defaults=True):
    """How often good captures would have alarmed: counted by leaving out one at a time.

    Attributes:
        held_out: good captures that were judged by what the others taught.
        alarms: those of them with an event of severity warning or worse.
        events: those with an event of any severity.
        version: the template version that it was counted for; later ones carry it on until the
            template is learnt anew.
    """

    held_out: int
    alarms: int = 0
    events: int = 0
    version: int = 0


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One version of one screen's baseline.

    Attributes:
        template_id: identity across versions.
        screen_id: the screen's name; what `valid_transitions` of other templates refer to.
        app: the application the screen belongs to, or empty.
        version: from 1, one more with each change.
        tree: the baseline in normal form; None where only a signature is known.
        structure_signature: hex of the baseline's structure digest, or what an older file says.
        full_signature: hex of the baseline's full digest, or what an older file says.
        required_nodes: nodes without which a capture is not this screen.
        policy: what may vary.
        valid_transitions: screen ids that may follow; empty means that nothing is said.
        metadata: free text by key.
        captures: ids of the captures the baseline was learnt from.
        noise: how often good captures would have alarmed; None where nobody could count.
    """

    template_id: str
    screen_id: str
    app: str = ""
    version: int = 1
    tree: Tree | None = None
    structure_signature: str = ""
    full_signature: str = ""
    required_nodes: tuple[Selector, ...] = ()
    policy: Policy = STRICT_POLICY
    valid_transitions: tuple[str, ...] = ()
    metadata: Mapping[str, str] = {}
    captures: tuple[str, ...] = ()
    noise: Noise | None = None
