"""The mapping: top-down, list of children by list of children, from the sure to the likely.

Lists of children of mapped nodes are aligned: identical subtrees first (longest common
subsequence), then, in the gaps between them, the partners that save most (weighted alignment). A
node that holds the partners of several nodes of the other side is a wrapper: it is opened, and its
children stand in its place. What is left over on both sides may have moved.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from itertools import pairwise

from systemzero_core.diff.affinity import UNIT, WHOLE, Affinity
from systemzero_core.diff.budget import Budget
from systemzero_core.diff.edits import Mapping
from systemzero_core.diff.gaps import aligned_runs
from systemzero_core.diff.prepared import Prepared
from systemzero_core.diff.sequences import (
    common_runs,
    heaviest_alignment,
    longest_increasing,
)
from systemzero_core.diff.wrappers import open_wrapper

MAX_GAP_CELLS = 10_000
"""Pairs of nodes that one gap between two lists of children may weigh."""

_PARENT_AND_CHILD = 2

# What two nodes must share to be partners where there is no time to weigh them, best first.
_KEYS: tuple[Callable[[Prepared, int], Hashable], ...] = (
    lambda side, i: side.subtrees[i],
    lambda side, i: (side.tree.nodes[i].role, side.tree.nodes[i].name),
    lambda side, i: (side.tree.nodes[i].role, side.ends[i] - i),
    lambda side, i: side.tree.nodes[i].role,
)


class Mapper:
    """One mapping in the making.

    Attributes:
        mapping: the result.
        slices: the same in pieces `(x, y, size)`: one node, or identical neighbouring subtrees.
        degraded: what was approximated.
        moving: whether leftovers are mapped now, among which there may be mapped nodes.
    """

    def __init__(self, a: Prepared, b: Prepared, budget: Budget) -> None:
        self.a = a
        self.b = b
        self.mapping = Mapping(a.tree, b.tree)
        self.slices: list[tuple[int, int, int]] = []
        self.degraded = ""
        self.moving = False
        self.affinity = Affinity(a, b, budget.steps)
        self._pairs: list[tuple[int, int]] = []  # mapped nodes whose children wait
        self._lists: list[tuple[Sequence[int], Sequence[int]]] = []  # siblings that wait

    def run(self) -> None:
        """Map what can be mapped."""
        if not self.a.labels or not self.b.labels:
            return
        self._align((0,), (0,), (self.a.subtrees[0],), (self.b.subtrees[0],))
        self.drain()
        if self.mapping.to_b[0] < 0 and self.mapping.to_a[0] < 0:
            self.moving = True
            self.map_pair(0, 0)  # a screen is a screen, whatever its root is called now
            self.drain()

    def drain(self) -> None:
        """Align every pair of lists that waits."""
        while self._pairs or self._lists:
            while self._pairs:
                self._align_children(*self._pairs.pop())
            if self._lists:
                self._align_free(*self._lists.pop())

    def map_pair(self, x: int, y: int) -> None:
        """Map two nodes; their children are aligned later."""
        if self.a.subtrees[x] == self.b.subtrees[y] and self.is_free(x, y):
            self._map_slices(x, y, self.a.ends[x] - x)
            return
        self._map_node(x, y)
        self._pairs.append((x, y))

    def _map_node(self, x: int, y: int) -> None:
        self.mapping.add(x, y)
        self.slices.append((x, y, 1))

    def _map_slices(self, x: int, y: int, size: int) -> None:
        self.mapping.add_slice(x, y, size)
        self.slices.append((x, y, size))

    def is_free(self, x: int, y: int) -> bool:
        """Whether nothing in the subtrees of x and y, of equal size, is mapped yet."""
        # On the way down nothing below is mapped.
        return not self.moving or self.mapping.is_free(x, y, self.a.ends[x] - x)

    def _align_children(self, x: int, y: int) -> None:
        family_a, family_b = self.a.families.get(x), self.b.families.get(y)
        if family_a is None or family_b is None:
            return
        if self.moving:
            self._align_free(self.a.children(x), self.b.children(y))
        elif len(family_a) == len(family_b) == _PARENT_AND_CHILD:
            if family_a[1] == family_b[1]:
                self._map_slices(x + 1, y + 1, self.a.ends[x] - x - 1)
            else:
                self._fill_pair(x + 1, y + 1)
        else:
            self._align(self.a.children(x), self.b.children(y), family_a[1:], family_b[1:])

    def _align_free(self, left: Sequence[int], right: Sequence[int]) -> None:
        """Align siblings of which some may be mapped, or lie in others' places."""
        left = [x for x in left if self.mapping.to_b[x] < 0]
        right = [y for y in right if self.mapping.to_a[y] < 0]
        if left and right:
            numbers_a = [self.a.subtrees[x] for x in left]
            numbers_b = [self.b.subtrees[y] for y in right]
            self._align(left, right, numbers_a, numbers_b, whole=False)

    def _align(
        self,
        left: Sequence[int],
        right: Sequence[int],
        numbers_a: Sequence[int],
        numbers_b: Sequence[int],
        *,
        whole: bool = True,
    ) -> None:
        """Align two lists; `whole` ones are all children of two nodes, with nothing mapped yet."""
        low_p = low_q = 0
        for p, q, size in aligned_runs(numbers_a, numbers_b):
            if low_p < p and low_q < q:
                self._fill_gap(left[low_p:p], right[low_q:q])
            low_p, low_q = p + size, q + size
            if whole:  # siblings follow each other: the run is one slice of either tree
                self._map_slices(left[p], right[q], self.a.ends[left[low_p - 1]] - left[p])
            else:
                for k in range(size):
                    self.map_pair(left[p + k], right[q + k])
        if low_p < len(left) and low_q < len(right):
            self._fill_gap(left[low_p:], right[low_q:])

    def _fill_gap(self, left: Sequence[int], right: Sequence[int]) -> None:
        if len(left) == len(right) == 1:
            self._fill_pair(left[0], right[0])
        elif not (len(left) > 1 and len(right) > 1 and self._split_at_names(left, right)):
            self._weigh_gap(left, right)

    def _fill_pair(self, x: int, y: int) -> None:
        """What stands alone between identical neighbours."""
        if self.a.labels[x] == self.b.labels[y]:
            self.map_pair(x, y)
        elif x in self.a.families or y in self.b.families:
            self._weigh_gap((x,), (y,))
        elif self.affinity.score(x, y):
            self._map_node(x, y)

    def _weigh_gap(self, left: Sequence[int], right: Sequence[int]) -> None:
        if self._is_too_much(left, right):
            if len(left) == len(right) == 1:
                self._fill_pair_by_key(left[0], right[0])
            else:
                self._fill_by_key(left, right, 0)
            return
        if len(left) == len(right) > 1 and self._is_one_to_one(left, right):
            for x, y in zip(left, right, strict=True):
                self.map_pair(x, y)
            return
        opened = open_wrapper(self.affinity, left, right)
        if opened is not None:
            self._lists.append(opened)
            return
        score = self.affinity.score
        table = [[score(x, y) for y in right] for x in left]
        self.is_spent()  # also where the budget ran out on the way
        for p, q in heaviest_alignment(table):
            self.map_pair(left[p], right[q])

    def _is_one_to_one(self, left: Sequence[int], right: Sequence[int]) -> bool:
        """Whether each is so clearly the one across from it that the rest need not be weighed.

        They have the same label and four fifths of what the larger one holds in common, and no
        neighbour of the one across has more.
        """
        a, b, score = self.a, self.b, self.affinity.score
        pairs = list(zip(left, right, strict=True))
        if any(a.labels[x] != b.labels[y] for x, y in pairs):
            return False
        values = []
        for x, y in pairs:
            size = max(a.ends[x] - x, b.ends[y] - y)
            values.append(score(x, y))
            if values[-1] * 5 < size * WHOLE * 4:
                return False
        return all(
            score(x, other_y) <= min(value, other) >= score(other_x, y)
            for ((x, y), value), ((other_x, other_y), other) in pairwise(
                zip(pairs, values, strict=True)
            )
        )

    def _split_at_names(self, left: Sequence[int], right: Sequence[int]) -> bool:
        """Map nodes that are alone in either list with their label, and have much in common.

        Spares weighing every node of a long list against every other; what lies between the nodes
        mapped is aligned later. Says whether there were any.
        """
        numbers_a = self._named(self.a, left)
        numbers_b = self._named(self.b, right)
        shared = [
            (p, numbers_b[n]) for n, p in numbers_a.items() if p >= 0 and numbers_b.get(n, -1) >= 0
        ]
        anchors = [shared[k] for k in longest_increasing([q for _, q in shared])]
        low_p = low_q = 0
        for p, q in anchors:
            x, y = left[p], right[q]
            size = max(self.a.ends[x] - x, self.b.ends[y] - y)
            if self.affinity.score(x, y) >= size * UNIT:
                self._lists.append((left[low_p:p], right[low_q:q]))
                self.map_pair(x, y)
                low_p, low_q = p + 1, q + 1
        if low_p:
            self._lists.append((left[low_p:], right[low_q:]))
        return low_p > 0

    @staticmethod
    def _named(side: Prepared, siblings: Sequence[int]) -> dict[int, int]:
        """Place by label of the siblings that have a name; -1 where several share it."""
        places: dict[int, int] = {}
        for k, i in enumerate(siblings):
            if side.tree.nodes[i].name:
                number = side.labels[i]
                places[number] = -1 if number in places else k
        return places

    def is_spent(self) -> bool:
        """Whether the budget is used up; says so in the answer."""
        if self.affinity.steps <= self.affinity.budget:
            return False
        self.degraded = "the work budget ran out: the rest was aligned by role, name and place"
        return True

    def _is_too_much(self, left: Sequence[int], right: Sequence[int]) -> bool:
        if self.is_spent():
            return True
        if len(left) * len(right) > MAX_GAP_CELLS:
            self.degraded = self.degraded or (
                f"{len(left)} children beside {len(right)} were aligned by role, name and place"
            )
            return True
        return False

    def _fill_pair_by_key(self, x: int, y: int) -> None:
        """What `_fill_by_key` comes to for one and one: of all the keys, the last one decides."""
        if self.affinity.unmistakable_a(x) or self.affinity.unmistakable_b(y):
            return
        if self.a.tree.nodes[x].role == self.b.tree.nodes[y].role:
            self.map_pair(x, y)

    def _fill_by_key(self, left: Sequence[int], right: Sequence[int], tier: int) -> None:
        """Align without weighing: by label, then by role and name, then by role and place."""
        if tier == len(_KEYS) or not left or not right:
            return
        if tier == 0:
            left = [x for x in left if not self.affinity.unmistakable_a(x)]
            right = [y for y in right if not self.affinity.unmistakable_b(y)]
        key = _KEYS[tier]
        runs = common_runs([key(self.a, x) for x in left], [key(self.b, y) for y in right])
        low_p = low_q = 0
        for p, q, size in [*runs, (len(left), len(right), 0)]:
            if low_p < p and low_q < q:
                self._fill_by_key(left[low_p:p], right[low_q:q], tier + 1)
            for k in range(size):
                self.map_pair(left[p + k], right[q + k])
            low_p, low_q = p + size, q + size
