"""From a policy and a tree to what holds at each node.

A rule is looked at only for nodes of its role (and its name, where that is literal), and what holds
at a node is worked out when it is first asked for and kept: a judgement asks for the nodes of its
edits and their ancestors, not for the tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from systemzero_core.template.model import MatchLevel, Order, Policy, Rule, Scope
from systemzero_core.template.patterns import Pattern, compile_pattern
from systemzero_core.template.selecting import MAX_STEPS, Selection, Selectors
from systemzero_core.tree import Tree
from systemzero_core.work import TooMuchWork, Work

_RULE = 4
"""Steps that taking in one rule at one node counts for."""


class Effective(NamedTuple):
    """What a policy says about one node.

    `optional` is how much may come and go, None for nothing; `rows_rule` is the index of the rule
    that makes the node a row, -1 where none does.
    """

    level: MatchLevel
    box_tolerance: int
    unordered: bool
    name: Pattern | None = None
    value: Pattern | None = None
    attributes: Mapping[str, Pattern] | None = None
    optional: Scope | None = None
    rows_rule: int = -1


class CompiledRule(NamedTuple):
    """A rule with its patterns compiled."""

    rule: Rule
    name: Pattern | None
    value: Pattern | None
    attributes: Mapping[str, Pattern] | None


class CompiledPolicy:
    """A policy ready for any tree. Share it as long as the policy lives."""

    __slots__ = ("_baseline", "policy", "rules", "selectors")

    def __init__(self, policy: Policy) -> None:
        """Raises `InvalidInput` for a pattern that is none."""
        self.policy = policy
        self.rules = [_compiled(rule) for rule in policy.rules]
        self.selectors = Selectors(rule.select for rule in policy.rules)
        self._baseline: PolicyView | None = None

    def baseline(self, tree: Tree) -> PolicyView:
        """The view of the template's own tree, whole, kept from one judgement to the next.

        Raises:
            TooMuchWork: it takes more than `MAX_STEPS`: each time, whatever was asked before.
        """
        view = self._baseline
        if view is None or view.tree is not tree:
            view = self._baseline = PolicyView(self, tree)
            view.work_out()
        elif view.error:
            raise TooMuchWork(view.error)
        return view


def _compiled(rule: Rule) -> CompiledRule:
    return CompiledRule(
        rule,
        None if rule.name is None else compile_pattern(rule.name),
        None if rule.value is None else compile_pattern(rule.value),
        {k: compile_pattern(v) for k, v in rule.attributes.items()} or None,
    )


class PolicyView:
    """What a policy says about the nodes of one tree."""

    def __init__(self, policy: CompiledPolicy, tree: Tree) -> None:
        self.tree = tree
        self._policy = policy
        top = Effective(policy.policy.level, policy.policy.box_tolerance, unordered=False)
        # Of each node: what holds there, and what its children inherit.
        self._known: dict[int, tuple[Effective, Effective]] = {-1: (top, top)}
        self._work = Work(MAX_STEPS, "holding the tree against the template's policy")
        self._selection = Selection(policy.selectors, tree, self._work)
        self.error = ""

    def work_out(self) -> None:
        """Ask for every node, so that nothing is left to be worked out.

        Raises:
            TooMuchWork: see `at`; `error` says so from then on.
        """
        try:
            for i in range(len(self.tree)) if self._policy.rules else ():
                self.at(i)
        except TooMuchWork as error:
            self.error = error.message
            raise

    def at(self, index: int) -> Effective:
        """What holds at node `index`.

        Raises:
            TooMuchWork: what was asked for so far takes more than `MAX_STEPS`.
        """
        known = self._known
        if index in known:
            return known[index][0]
        missing = []
        while index not in known:
            missing.append(index)
            index = self.tree.parents[index]
        inherited = known[index][1]
        for i in reversed(missing):
            known[i] = here, inherited = self._resolve(i, inherited)
        return here

    def ignored(self) -> frozenset[int]:
        """All nodes at match level ignore."""
        policy = self._policy.policy
        levels = (policy.level, *(rule.level for rule in policy.rules))
        if MatchLevel.IGNORE not in levels:
            return frozenset()
        ignore = MatchLevel.IGNORE
        return frozenset(i for i in range(len(self.tree)) if self.at(i).level is ignore)

    def _resolve(self, index: int, inherited: Effective) -> tuple[Effective, Effective]:
        here = inherited
        for i in self._selection.at(index):
            self._work.spend(_RULE)
            compiled = self._policy.rules[i]
            here = _reach(here, compiled.rule)
            if compiled.rule.scope is Scope.SUBTREE:
                inherited = _reach(inherited, compiled.rule)
            here = _own(here, compiled, i)
        return here, inherited


def _reach(here: Effective, rule: Rule) -> Effective:
    """The parts of a rule that may reach a subtree."""
    if rule.level is None and rule.order is None and rule.box_tolerance is None:
        return here
    return here._replace(
        level=here.level if rule.level is None else rule.level,
        unordered=here.unordered if rule.order is None else rule.order is Order.UNORDERED,
        box_tolerance=here.box_tolerance if rule.box_tolerance is None else rule.box_tolerance,
    )


def _own(here: Effective, compiled: CompiledRule, index: int) -> Effective:
    """The parts of a rule that speak of the selected node alone."""
    rule = compiled.rule
    if compiled.attributes:
        here = here._replace(attributes={**(here.attributes or {}), **compiled.attributes})
    return here._replace(
        name=compiled.name or here.name,
        value=compiled.value or here.value,
        optional=_optional(here, rule),
        rows_rule=here.rows_rule if rule.rows is None else index,
    )


def _optional(here: Effective, rule: Rule) -> Scope | None:
    if rule.optional is None:
        return here.optional
    return rule.scope if rule.optional else None
