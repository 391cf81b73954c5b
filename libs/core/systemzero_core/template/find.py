"""Finding the nodes that selectors select."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from systemzero_core.template.model import Selector
from systemzero_core.template.selecting import (
    MAX_STEPS,
    Matcher,
    NodesByText,
    Selection,
    Selectors,
)
from systemzero_core.tree import Tree
from systemzero_core.work import Work


class Finder:
    """The nodes of one tree by role and name. Literal selectors cost a look-up, others a role.

    All that is asked of one finder may take `MAX_STEPS`; past it `TooMuchWork` is raised.
    """

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._nodes = NodesByText(tree)
        self._work = Work(MAX_STEPS, "finding the nodes that the template's selectors select")

    def has(self, selector: Selector) -> bool:
        """Whether `selector` selects any node; raises `InvalidInput` for a bad pattern."""
        return next(self.find(selector), None) is not None

    def lacking(self, selectors: Iterable[Selector]) -> Iterator[Selector]:
        """Those of `selectors` that select no node."""
        return (selector for selector in selectors if not self.has(selector))

    def find(self, selector: Selector) -> Iterator[int]:
        """The indices of the nodes that `selector` selects, in document order."""
        selection = self._selection(selector)
        (matcher,) = selection.matchers
        if matcher.nth:
            places = selection.places(matcher)
            yield from (i for i, place in places.items() if place == matcher.nth)
            return
        for i in self._nodes.candidates(matcher):
            if selection.selects(matcher, i):
                yield i

    def cost(self, selector: Selector) -> int:
        """How many nodes `find` would look at."""
        return len(self._nodes.candidates(Matcher(selector)))

    def places(self, selector: Selector) -> dict[int, int]:
        """Of each node that `selector` without its `nth` selects, the `nth` that is its own."""
        selection = self._selection(selector)
        return selection.places(selection.matchers[0])

    def _selection(self, selector: Selector) -> Selection:
        return Selection(Selectors((selector,)), self._tree, self._work, self._nodes)
