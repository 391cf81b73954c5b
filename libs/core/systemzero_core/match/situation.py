"""What a page shows of itself just now: the tab chosen, what stands over it.

Two screens of one application may be one page, with the same address, title and content, but for
that. Only pages that have an address are looked at: windows without one are told apart by content.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from systemzero_core.match.texts import fold, words_of
from systemzero_core.overlay import overlays_of
from systemzero_core.tree import Tree

Seen = frozenset[tuple[str, str]]
"""Pairs of what it is (`chosen`, `offered`, `over`) and a name or word."""

_TELLING: Final = 5
"""So many different words over a page make it a screen of its own. A spinner has fewer."""


class Situation(NamedTuple):
    """What is seen of a page's situation, as tokens.

    Attributes:
        chosen: the tabs that are selected.
        offered: the other tabs.
        over: the words of what stands over it.
    """

    chosen: frozenset[int] = frozenset()
    offered: frozenset[int] = frozenset()
    over: frozenset[int] = frozenset()

    @classmethod
    def of(cls, seen: Iterable[tuple[str, str]]) -> Situation:
        """The tokens of what was seen, for this process."""
        tokens: dict[str, set[int]] = {field: set() for field in cls._fields}
        for field, text in seen:
            tokens[field].add(hash(text))
        return cls(*map(frozenset, tokens.values()))

    def turned_from(self, other: Situation) -> bool:
        """Whether each has a tab chosen that the other offers and has not chosen."""
        return not (self.chosen.isdisjoint(other.offered) or other.chosen.isdisjoint(self.offered))

    def lacks_over(self, other: Situation) -> bool:
        """Whether what stands over `other` is not there, or another one is."""
        return len(other.over) >= _TELLING and 2 * len(self.over & other.over) < len(other.over)


NO_SITUATION: Final = Situation()


def seen_of(tree: Tree) -> Seen:
    """What is seen of the situation of a page; nothing where it has no address."""
    nodes = tree.nodes
    if not nodes or not nodes[0].attribute("url"):
        return frozenset()
    seen = {("over", word) for root in overlays_of(tree) for word in _words(tree, root)}
    for tab in [node for node in nodes if node.role == "tab" and node.name]:
        seen.add(("chosen" if "selected" in tab.states else "offered", fold(tab.name)))
    return frozenset(seen)


def _words(tree: Tree, root: int) -> set[str]:
    below = tree.nodes[root : tree.ends[root]]
    return {word for node in below if node.name for word in words_of(node.name)}
