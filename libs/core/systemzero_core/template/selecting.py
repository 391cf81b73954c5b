"""Many selectors made ready together: what rules of a policy have in common is looked at once.

1. A node is held against the selectors of its role whose names begin and end as its own does.
2. `under` is read down the tree, all selectors at a time: the state of a node has a bit for each
   step of each list of ancestors, set where that step and those further out are found on the way
   from the root to the node. A node costs a few operations on a number of as many bits.
3. Everything is counted: see `MAX_STEPS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import msgspec

from systemzero_core.template.model import Selector
from systemzero_core.template.patterns import Pattern, Reading, compile_pattern
from systemzero_core.tree import Node, Tree
from systemzero_core.work import Work

MAX_STEPS = 5_000_000
"""Steps that one policy may take on one tree: a selector that is held against a node is one, so is
a hole that is tried at a place of a text. Some seconds at the very most."""

_EDGE = 3
"""Characters at the start and the end by which names are told apart before patterns are tried."""

_BITS_A_STEP = 4_096
"""Bits of a state that are worked on in one step."""


class Matcher:
    """A selector's own part, without its ancestors and its place."""

    __slots__ = ("attributes", "key", "name", "nth", "role", "under", "under_key")

    def __init__(self, selector: Selector) -> None:
        """Raises `InvalidInput` for a pattern that is none."""
        self.role = selector.role
        self.nth = selector.nth
        self.under = selector.under
        self.under_key = repr(selector.under) if selector.under else ""
        self.key = repr(msgspec.structs.replace(selector, nth=0))
        self.name = None if selector.name is None else compile_pattern(selector.name)
        self.attributes = [(k, compile_pattern(v)) for k, v in selector.attributes.items()]

    @property
    def edges(self) -> tuple[str, str]:
        """What every name that it selects begins and ends with, cut to `_EDGE` characters."""
        if self.name is None:
            return "", ""
        return self.name.prefix[:_EDGE], self.name.suffix[-_EDGE:]

    def fits(self, node: Node, reader: Reader) -> bool:
        """Whether the node itself is as asked, wherever it stands."""
        if self.role is not None and node.role != self.role:
            return False
        if self.name is not None and not reader.keeps(node.name, self.name):
            return False
        for key, pattern in self.attributes:
            value = node.attribute(key)
            if value is None or not reader.keeps(value, pattern):
                return False
        return True


class Reader:
    """Holds texts against patterns, and counts what that takes.

    The last text is kept: what its holes came to is the same for every pattern.
    """

    def __init__(self, work: Work) -> None:
        self.work = work
        self._reading = Reading("")

    def keeps(self, text: str, pattern: Pattern) -> bool:
        """Whether `text` keeps to `pattern`."""
        wording = pattern.wording
        if wording is None or not wording.may_match(text):
            return wording is None and pattern.matches(text)
        if self._reading.text != text:
            self._reading = Reading(text)
            self.work.spend(1 + len(text) // 100)
        reading = self._reading
        before = reading.tries
        kept = wording.read(reading)
        self.work.spend(reading.tries - before)
        return kept


class Index:
    """Selectors by what a look at a node's role and name tells."""

    def __init__(self, matchers: Sequence[Matcher]) -> None:
        self._named: dict[tuple[str | None, str], list[int]] = {}
        self._edged: dict[tuple[str | None, str, str], list[int]] = {}
        self._roles = frozenset(matcher.role for matcher in matchers)
        for i, matcher in enumerate(matchers):
            if matcher.name is not None and matcher.name.literal is not None:
                self._named.setdefault((matcher.role, matcher.name.literal), []).append(i)
            else:
                self._edged.setdefault((matcher.role, *matcher.edges), []).append(i)
        self._lengths = sorted({(len(start), len(end)) for _, start, end in self._edged})

    def candidates(self, node: Node) -> list[int]:
        """Indices, ascending, of the matchers that could fit `node`."""
        name = node.name
        found: list[int] = []
        for role in (node.role, None):
            if role not in self._roles:
                continue
            found += self._named.get((role, name), ())
            for start, end in self._lengths:
                if start <= len(name) >= end:
                    edges = name[:start], name[-end:] if end else ""
                    found += self._edged.get((role, *edges), ())
        found.sort()
        return found


class Selectors:
    """Selectors ready for any tree; shared by all its views."""

    def __init__(self, selectors: Iterable[Selector]) -> None:
        """Raises `InvalidInput` for a pattern that is none."""
        self.matchers = [Matcher(selector) for selector in selectors]
        self.index = Index(self.matchers)
        self.under = _Under(matcher for matcher in self.matchers if matcher.under)


class _Under:
    """All lists of ancestors that are asked for.

    Attributes:
        last: by the key of a list, the bit of its last step.
        starts: the bits of all first steps.
        width: bits in all.
        steps: the distinct steps.
        masks: for each of them, its bits.
    """

    def __init__(self, matchers: Iterable[Matcher]) -> None:
        self.last: dict[str, int] = {}
        self.starts = self.width = 0
        steps: dict[str, Matcher] = {}
        masks: dict[str, int] = {}
        for one in matchers:
            if one.under_key in self.last:
                continue
            self.starts |= 1 << self.width
            for selector in one.under:
                step = Matcher(selector)
                steps.setdefault(step.key, step)
                masks[step.key] = masks.get(step.key, 0) | 1 << self.width
                self.width += 1
            self.last[one.under_key] = 1 << (self.width - 1)
        self.steps = list(steps.values())
        self.masks = list(masks.values())
        self.index = Index(self.steps)


class NodesByText:
    """The nodes of one tree by role and name, sorted when they are first asked for."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def candidates(self, matcher: Matcher) -> Sequence[int]:
        """The nodes that may fit, in document order: a look-up for a literal name, else a role."""
        if matcher.role is None:
            return range(len(self._tree))
        if matcher.name is None or matcher.name.literal is None:
            return self._by_role.get(matcher.role, ())
        return self._named.get((matcher.role, matcher.name.literal), ())

    @cached_property
    def _by_role(self) -> dict[str, list[int]]:
        found: dict[str, list[int]] = {}
        for i, node in enumerate(self._tree.nodes):
            found.setdefault(node.role, []).append(i)
        return found

    @cached_property
    def _named(self) -> dict[tuple[str, str], list[int]]:
        found: dict[tuple[str, str], list[int]] = {}
        for i, node in enumerate(self._tree.nodes):
            found.setdefault((node.role, node.name), []).append(i)
        return found


class Selection:
    """What selectors select in one tree."""

    def __init__(
        self, selectors: Selectors, tree: Tree, work: Work, nodes: NodesByText | None = None
    ) -> None:
        """`work` is what it may take; `nodes` are those of `tree`, where they are known already."""
        self.matchers = selectors.matchers
        self.nodes = nodes or NodesByText(tree)
        self._selectors = selectors
        self._tree = tree
        self._work = work
        self.reader = Reader(self._work)
        self._states: dict[int, int] = {-1: 0}
        self._places: dict[str, dict[int, int]] = {}

    def at(self, index: int) -> Iterator[int]:
        """Indices, ascending, of the selectors that select node `index`.

        Raises:
            TooMuchWork: see `MAX_STEPS`.
        """
        candidates = self._selectors.index.candidates(self._tree.nodes[index])
        self._work.spend(1)
        for i in candidates:
            matcher = self.matchers[i]
            if matcher.nth:
                if self.places(matcher).get(index) == matcher.nth:
                    yield i
            elif self.selects(matcher, index):
                yield i

    def selects(self, matcher: Matcher, index: int) -> bool:
        """Whether node `index` fits and stands where asked; `nth` is not looked at."""
        self._work.spend(1)
        return matcher.fits(self._tree.nodes[index], self.reader) and self._stands(matcher, index)

    def places(self, matcher: Matcher) -> dict[int, int]:
        """Of each node that fits, its 1-based place below its innermost ancestor of `under`.

        Shared by selectors that differ in `nth`.
        """
        places = self._places.get(matcher.key)
        if places is None:
            places = self._places[matcher.key] = self._counted(matcher)
        return places

    def _counted(self, matcher: Matcher) -> dict[int, int]:
        nearest: _Nearest | None = None
        if matcher.under:
            nearest = _Nearest(self._tree, Matcher(matcher.under[-1]), self.reader)
        counts: dict[int, int] = {}
        places: dict[int, int] = {}
        for i in self.nodes.candidates(matcher):
            if self.selects(matcher, i):
                above = nearest.above(i) if nearest else -1
                places[i] = counts[above] = counts.get(above, 0) + 1
        return places

    def _stands(self, matcher: Matcher, index: int) -> bool:
        """Whether node `index` stands below the ancestors that are asked for."""
        if not matcher.under:
            return True
        last = self._selectors.under.last[matcher.under_key]
        return bool(self._state(self._tree.parents[index]) & last)

    def _state(self, index: int) -> int:
        """The bits of the steps that are found on the way to node `index`, itself included."""
        states, parents = self._states, self._tree.parents
        missing = []
        while index not in states:
            missing.append(index)
            index = parents[index]
        state = states[index]
        under = self._selectors.under
        for i in reversed(missing):
            found = self._fitting(self._tree.nodes[i])
            if found:
                state |= (state << 1 | under.starts) & found
            states[i] = state
        return state

    def _fitting(self, node: Node) -> int:
        """The bits of the steps that `node` itself fits."""
        under = self._selectors.under
        candidates = under.index.candidates(node)
        self._work.spend(1 + len(candidates) + under.width // _BITS_A_STEP)
        found = 0
        for i in candidates:
            if under.steps[i].fits(node, self.reader):
                found |= under.masks[i]
        return found


class _Nearest:
    """The nearest ancestor that fits, for one matcher; linear over all questions."""

    def __init__(self, tree: Tree, matcher: Matcher, reader: Reader) -> None:
        self._tree = tree
        self._matcher = matcher
        self._reader = reader
        self._known: dict[int, int] = {-1: -1}

    def above(self, index: int) -> int:
        """The nearest ancestor of node `index` that fits; -1 where none does."""
        known, parents, nodes = self._known, self._tree.parents, self._tree.nodes
        index = parents[index]
        passed = []
        while index not in known:
            passed.append(index)
            if self._matcher.fits(nodes[index], self._reader):
                known[index] = index
            else:
                index = parents[index]
        for i in passed:
            known[i] = known[index]
        self._reader.work.spend(len(passed))
        return known[index]
