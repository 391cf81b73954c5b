"""How much two nodes have in common: the score that decides who is whose partner.

A score estimates what mapping x to y saves against deleting x and inserting y, in eighths of an
operation: two operations for every descendant that can be kept as it is, one for every descendant
that can be kept with a change, and as much for the node itself. Descendants are compared as
multisets (of labels, of roles), which bounds the saving from above whatever their order.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeVar

from systemzero_core.characters import known
from systemzero_core.diff.prepared import Content, Prepared

T = TypeVar("T", int, str)

UNIT = 8
"""One operation saved."""

WHOLE = 2 * UNIT
"""What a pair scores, at most, for each node of the smaller one: that it can stay as it is."""

_SAME_ROLE = UNIT
_SAME_NAME = UNIT + 2
_SHARED_CONTENT = 4

_ROLE_SHARE = 4
"""A node changes role and name at once only if a quarter of the larger subtree stays the same."""


class Affinity:
    """Scores of pairs of nodes of two prepared trees; counts its own work.

    Attributes:
        a: the tree before.
        b: the tree after.
        steps: comparisons done so far.
        budget: comparisons after which content is looked at no more.
    """

    def __init__(self, a: Prepared, b: Prepared, budget: int) -> None:
        self.a = a
        self.b = b
        self._contents_a: dict[int, Content] = {}
        self._contents_b: dict[int, Content] = {}
        self._scores: dict[int, int] = {}
        self._width = len(b.labels)
        self.steps = 0
        self.budget = budget

    def score(self, x: int, y: int) -> int:
        """What mapping `x` to `y` saves; 0 where they must not be mapped."""
        key = x * self._width + y
        found = self._scores.get(key)
        if found is None:
            found = self._scores[key] = self._score(x, y)
        return found

    def _score(self, x: int, y: int) -> int:
        a, b = self.a, self.b
        self.steps += 1
        if a.subtrees[x] == b.subtrees[y]:
            return WHOLE * (a.ends[x] - x)
        if self.unmistakable_a(x) or self.unmistakable_b(y):
            return 0
        root = self._root_score(x, y)
        if x not in a.families or y not in b.families or self.steps > self.budget:
            return root
        left = self._contents_a.get(x) or self._content(a, x, self._contents_a)
        right = self._contents_b.get(y) or self._content(b, y, self._contents_b)
        same = self._common(left.labels, right.labels)
        if not root:
            if same * _ROLE_SHARE < max(a.ends[x] - x, b.ends[y] - y):
                return 0  # another role, another name, and little in common
            root = _SHARED_CONTENT
        return root + UNIT * (same + self._common(left.roles, right.roles))

    def _common(self, left: Counter[T], right: Counter[T]) -> int:
        if len(left) > len(right):
            left, right = right, left
        self.steps += len(left)
        total = 0
        get = right.get
        for key, count in left.items():
            other = get(key, 0)
            total += count if count < other else other  # noqa: FURB136 (min costs a call)
        return total

    def _content(self, side: Prepared, at: int, known: dict[int, Content]) -> Content:
        self.steps += 1 + (side.ends[at] - at) // 8
        found = known[at] = side.content(at)
        return found

    def unmistakable_a(self, x: int) -> bool:
        """Whether node `x` of `a` has one identical partner in `b` that cannot be a coincidence."""
        return self._unmistakable(self.a, self.b, x)

    def unmistakable_b(self, y: int) -> bool:
        """The same for node `y` of `b`."""
        return self._unmistakable(self.b, self.a, y)

    @staticmethod
    def _unmistakable(own: Prepared, other: Prepared, at: int) -> bool:
        number = own.subtrees[at]
        if own.subtree_counts[number] != 1 or other.subtree_counts.get(number) != 1:
            return False
        return recognisable(own, at)

    def _root_score(self, x: int, y: int) -> int:
        if self.a.labels[x] == self.b.labels[y]:
            return WHOLE
        old, new = self.a.tree.nodes[x], self.b.tree.nodes[y]
        if old.role == new.role:
            return _SAME_ROLE + _name_similarity(old.name, new.name)
        if not old.name or old.name != new.name or self._is_part(x, y):
            return 0
        return _SAME_NAME

    def _is_part(self, x: int, y: int) -> bool:
        """Whether one is a text that the other one's name stood for, below what is now named so.

        A button `Pay` over a text `Pay`, renamed `Buy`, is no text: its name left the text bare.
        """
        return _is_text_within(self.b, y, self.a.tree.nodes[x].role) or _is_text_within(
            self.a, x, self.b.tree.nodes[y].role
        )


def _is_text_within(side: Prepared, at: int, role: str) -> bool:
    """Whether node `at` is a text without content below another node of `role` that has a name."""
    nodes, parent = side.tree.nodes, side.tree.parents[at]
    if nodes[at].role != "text" or side.ends[at] != at + 1 or parent < 0:
        return False
    return nodes[parent].role == role and nodes[parent].name not in ("", nodes[at].name)


def _name_similarity(old: str, new: str) -> int:
    """0 to 7: 7 for equal names, else by the share of words in common."""
    if old == new:
        return 7
    if not old or not new:
        return 1
    words_old, words_new = set(old[:400].split()), set(new[:400].split())
    shared = len(words_old & words_new)
    return 10 * shared // (len(words_old) + len(words_new))


def recognisable(side: Prepared, at: int) -> bool:
    """Whether an identical subtree elsewhere is the same thing and no coincidence.

    Larger subtrees are; small ones by a name that says something. A text that only repeats its
    parent's name is part of the parent, and no thing of its own.
    """
    if side.ends[at] - at > 3:
        return True
    nodes = side.tree.nodes
    name = nodes[at].name or nodes[side.ends[at] - 1].name
    if len(name) < 3 or known(name).isdigit():
        return False
    parent = side.tree.parents[at]
    return parent < 0 or name not in nodes[parent].name
