"""From a policy and a tree to what holds at each node.

A rule is looked at only for nodes of its role (and its name, where that is literal), and what holds
at a node is worked out when it is first asked for and kept: a judgement asks for the nodes of its
edits and their ancestors, not for the tree.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from systemzero_core.template.model import MatchLevel, Order, Policy, Rule, Scope, Selector
from systemzero_core.template.patterns import Pattern, compile_pattern
from systemzero_core.tree import Node, Tree

MAX_REACH = 512
"""Levels between a node and the outermost ancestor that its selector asks for, at most."""


_START = 3
"""Characters by which rules of one role are told apart before their patterns are tried."""


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


class Matcher:
    """A selector ready to be asked about nodes."""

    __slots__ = ("_attributes", "_name", "_under", "key", "nth", "role")

    def __init__(self, selector: Selector) -> None:
        """Raises `InvalidInput` for a pattern that is none."""
        self.role = selector.role
        self.nth = selector.nth
        self.key = repr(msgspec.structs.replace(selector, nth=0))
        self._name = None if selector.name is None else compile_pattern(selector.name)
        self._attributes = [(k, compile_pattern(v)) for k, v in selector.attributes.items()]
        self._under = [Matcher(step) for step in reversed(selector.under)]

    @property
    def literal_name(self) -> str | None:
        """The one name it selects, None if it selects by pattern or not by name."""
        return self._name.literal if self._name else None

    @property
    def prefix(self) -> str:
        """What every name that it selects begins with."""
        return self._name.prefix if self._name else ""

    def fits(self, node: Node) -> bool:
        """Whether the node itself is as asked, wherever it stands."""
        if self.role is not None and node.role != self.role:
            return False
        if self._name is not None and not self._name.matches(node.name):
            return False
        for key, pattern in self._attributes:
            value = node.attribute(key)
            if value is None or not pattern.matches(value):
                return False
        return True

    def selects(self, tree: Tree, index: int) -> bool:
        """Whether node `index` fits and stands where asked; `nth` is not looked at."""
        return self.fits(tree.nodes[index]) and self.anchor(tree, index) is not None

    def anchor(self, tree: Tree, index: int) -> int | None:
        """The innermost ancestor of `under` above node `index`, -1 if none is asked for.

        None where an ancestor that is asked for is not found within `MAX_REACH` levels.
        """
        # Nearest ancestors first: what fits near leaves the most for the steps further out.
        nodes, parents = tree.nodes, tree.parents
        innermost, left = -1, MAX_REACH
        for step in self._under:
            index = parents[index]
            while index >= 0 and left and not step.fits(nodes[index]):
                index = parents[index]
                left -= 1
            if index < 0 or not left:
                return None
            if innermost < 0:
                innermost = index
        return innermost

    def places(self, tree: Tree) -> dict[int, int]:
        """Of each node selected, its 1-based place below its innermost ancestor of `under`."""
        counts: dict[int, int] = {}
        places: dict[int, int] = {}
        for i, node in enumerate(tree.nodes):
            if self.fits(node) and (above := self.anchor(tree, i)) is not None:
                places[i] = counts[above] = counts.get(above, 0) + 1
        return places


class CompiledRule(NamedTuple):
    """A rule with its patterns compiled."""

    rule: Rule
    matcher: Matcher
    name: Pattern | None
    value: Pattern | None
    attributes: Mapping[str, Pattern] | None


class CompiledPolicy:
    """A policy ready for any tree. Share it as long as the policy lives."""

    __slots__ = ("_any_role", "_baseline", "_by_name", "_by_start", "policy", "rules")

    def __init__(self, policy: Policy) -> None:
        """Raises `InvalidInput` for a pattern that is none."""
        self.policy = policy
        self.rules = [_compiled(rule) for rule in policy.rules]
        self._baseline: PolicyView | None = None
        self._any_role: list[int] = []
        self._by_start: dict[tuple[str, str], list[int]] = {}
        self._by_name: dict[tuple[str, str], list[int]] = {}
        for i, compiled in enumerate(self.rules):
            role, name = compiled.matcher.role, compiled.matcher.literal_name
            if role is None:
                self._any_role.append(i)
            elif name is None:
                start = compiled.matcher.prefix[:_START]
                self._by_start.setdefault((role, start), []).append(i)
            else:
                self._by_name.setdefault((role, name), []).append(i)

    def baseline(self, tree: Tree) -> PolicyView:
        """The view of the template's own tree, kept from one judgement to the next."""
        view = self._baseline
        if view is None or view.tree is not tree:
            view = self._baseline = PolicyView(self, tree)
        return view

    def candidates(self, node: Node) -> Sequence[int]:
        """Indices, ascending, of the rules that could select `node`."""
        role, name = node.role, node.name
        found = [*self._any_role, *self._by_name.get((role, name), ())]
        for length in range(min(len(name), _START) + 1):
            found += self._by_start.get((role, name[:length]), ())
        found.sort()
        return found


def _compiled(rule: Rule) -> CompiledRule:
    return CompiledRule(
        rule,
        Matcher(rule.select),
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
        self._places: dict[str, dict[int, int]] = {}

    def at(self, index: int) -> Effective:
        """What holds at node `index`."""
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

    def rules_of(self, index: int) -> Iterator[int]:
        """Indices, ascending, of the rules that select node `index`."""
        node = self.tree.nodes[index]
        for i in self._policy.candidates(node):
            matcher = self._policy.rules[i].matcher
            if matcher.nth:
                if self._places_of(matcher).get(index) == matcher.nth:
                    yield i
            elif matcher.selects(self.tree, index):
                yield i

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
        for i in self.rules_of(index):
            compiled = self._policy.rules[i]
            here = _reach(here, compiled.rule)
            if compiled.rule.scope is Scope.SUBTREE:
                inherited = _reach(inherited, compiled.rule)
            here = _own(here, compiled, i)
        return here, inherited

    def _places_of(self, matcher: Matcher) -> dict[int, int]:
        """Of each node that `matcher` selects, its place; shared by rules that differ in `nth`."""
        places = self._places.get(matcher.key)
        if places is None:
            places = self._places[matcher.key] = matcher.places(self.tree)
        return places


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
