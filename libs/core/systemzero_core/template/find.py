"""Finding the nodes that selectors select."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from systemzero_core.template.model import Selector
from systemzero_core.template.selecting import MAX_STEPS, Matcher, Selection, Selectors
from systemzero_core.tree import Tree
from systemzero_core.work import Work


class Finder:
    """The nodes of one tree by role and name. Literal selectors cost a look-up, others a role.

    All that is asked of one finder may take `MAX_STEPS`; past it `TooMuchWork` is raised.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._work = Work(MAX_STEPS, "finding the nodes that the template's selectors select")
        self._named: dict[tuple[str, str], list[int]] = {}
        self._by_role: dict[str, list[int]] = {}
        for i, node in enumerate(tree.nodes):
            self._named.setdefault((node.role, node.name), []).append(i)
            self._by_role.setdefault(node.role, []).append(i)

    def has(self, selector: Selector) -> bool:
        """Whether `selector` selects any node; raises `InvalidInput` for a bad pattern."""
        return next(self.find(selector), None) is not None

    def lacking(self, selectors: Iterable[Selector]) -> Iterator[Selector]:
        """Those of `selectors` that select no node."""
        return (selector for selector in selectors if not self.has(selector))

    def find(self, selector: Selector) -> Iterator[int]:
        """The indices of the nodes that `selector` selects, in document order."""
        selection = Selection(Selectors((selector,)), self._tree, self._work)
        (matcher,) = selection.matchers
        if matcher.nth:
            places = selection.places(matcher)
            yield from (i for i, place in places.items() if place == matcher.nth)
            return
        yield from (i for i in self._candidates(matcher) if selection.selects(matcher, i))

    def cost(self, selector: Selector) -> int:
        """How many nodes `find` would look at."""
        return len(self._candidates(Matcher(selector)))

    def places(self, selector: Selector) -> dict[int, int]:
        """Of each node that `selector` without its `nth` selects, the `nth` that is its own."""
        selection = Selection(Selectors((selector,)), self._tree, self._work)
        (matcher,) = selection.matchers
        return selection.places(matcher)

    def _candidates(self, matcher: Matcher) -> list[int] | range:
        if matcher.role is None:
            return range(len(self._tree))
        if matcher.name is None or matcher.name.literal is None:
            return self._by_role.get(matcher.role, [])
        return self._named.get((matcher.role, matcher.name.literal), [])
