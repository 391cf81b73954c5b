"""Finding the nodes that selectors select."""

from __future__ import annotations

from collections.abc import Iterator

from systemzero_core.template.model import Selector
from systemzero_core.template.resolve import Matcher
from systemzero_core.tree import Tree


class Finder:
    """The nodes of one tree by role and name. Literal selectors cost a look-up, others a role."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._named: dict[tuple[str, str], list[int]] = {}
        self._by_role: dict[str, list[int]] = {}
        for i, node in enumerate(tree.nodes):
            self._named.setdefault((node.role, node.name), []).append(i)
            self._by_role.setdefault(node.role, []).append(i)

    def has(self, selector: Selector) -> bool:
        """Whether `selector` selects any node; raises `InvalidInput` for a bad pattern."""
        return next(self.find(selector), None) is not None

    def find(self, selector: Selector) -> Iterator[int]:
        """The indices of the nodes that `selector` selects, in document order."""
        matcher = Matcher(selector)
        if matcher.nth:
            places = matcher.places(self._tree)
            yield from (i for i, place in places.items() if place == matcher.nth)
            return
        for i in self._candidates(matcher):
            if matcher.anchor(self._tree, i) is not None and matcher.fits(self._tree.nodes[i]):
                yield i

    def cost(self, selector: Selector) -> int:
        """How many nodes `find` would look at."""
        return len(self._candidates(Matcher(selector)))

    def places(self, selector: Selector) -> dict[int, int]:
        """Of each node that `selector` without its `nth` selects, the `nth` that is its own."""
        return Matcher(selector).places(self._tree)

    def _candidates(self, matcher: Matcher) -> list[int] | range:
        if matcher.role is None:
            return range(len(self._tree))
        if matcher.literal_name is None:
            return self._by_role.get(matcher.role, [])
        return self._named.get((matcher.role, matcher.literal_name), [])
